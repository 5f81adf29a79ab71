"""Job types of the tests. Tools count their calls in `CALLS`, which the tests clear."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from runs.registry import (
    Agent,
    Job,
    ToolError,
    TransientError,
    UnknownOutcomeError,
    ask_human,
    register,
    tool,
)

CALLS: Counter[str] = Counter()
KEYS: list[str] = []
FAIL: dict[str, list[Exception]] = {}
HAPPENED: dict[str, Any] = {}
MEANWHILE: dict[str, Callable[[], Any]] = {}


def _count(name: str) -> None:
    CALLS[name] += 1
    if FAIL.get(name):
        raise FAIL[name].pop(0)


@tool(effect="read")
def look_up(context: Any, key: str) -> dict[str, str]:
    """Look something up."""
    _count("look_up")
    return {"key": key, "value": key.upper()}


@tool(effect="idempotent")
def put(context: Any, value: int) -> str:
    """Put a value; the same effect key puts it once."""
    _count("put")
    KEYS.append(context.effect_key)
    return f"put {value}"


@tool(effect="unsafe")
def send(context: Any, to: str) -> str:
    """Send something that cannot be called back."""
    _count("send")
    KEYS.append(context.effect_key)
    return f"sent to {to}"


def _find_booking(context: Any, arguments: dict[str, Any]) -> Any:
    return HAPPENED.get(context.effect_key)


@tool(effect="verifiable", verify=_find_booking)
def book(context: Any, room: str) -> str:
    """Book a room; a look-up by effect key tells whether it happened."""
    _count("book")
    return f"booked {room}"


@tool(effect="unsafe", approval="always")
def refund(context: Any, order_id: str, amount_usd: float) -> dict[str, Any]:
    """Refund an order."""
    _count("refund")
    return {"refunded": amount_usd, "order": order_id}


@tool(effect="unsafe", approval=lambda context, arguments: arguments["amount_usd"] >= 20)
def small_refund(context: Any, amount_usd: float) -> str:
    """Refund a little without asking, more with approval."""
    _count("small_refund")
    return f"refunded {amount_usd}"


def _risk(arguments: dict[str, Any]) -> str:
    return "low" if arguments["amount_usd"] < 20 else "high" if arguments["amount_usd"] > 500 else "medium"


@tool(effect="unsafe", approval="always", risk=_risk, amount="amount_usd")
def pay(context: Any, to: str, amount_usd: float) -> str:
    """Pay somebody; the more, the riskier."""
    _count("pay")
    return f"paid {amount_usd} to {to}"


@tool(effect="unsafe", roles=("operator",))
def close_account(context: Any, account: str) -> str:
    """Close an account; only for runs of operators."""
    _count("close_account")
    return f"closed {account}"


@tool(effect="unsafe", roles=["operator"], approval="always")
def delete_account(context: Any, account: str) -> str:
    """Delete an account; only for runs of operators, and somebody must agree."""
    _count("delete_account")
    return f"deleted {account}"


def _crawl(context: Any) -> str:
    """Work for ever, in small steps, and say so at each."""
    _count("crawl")
    while True:
        context.progress(1, "crawling")
        time.sleep(0.02)


@tool(effect="unsafe", timeout_s=30)
def crawl(context: Any) -> str:
    """Crawl for ever."""
    return _crawl(context)


@tool(effect="unsafe", timeout_s=0.3)
def crawl_briefly(context: Any) -> str:
    """Crawl for ever, in a very short time."""
    return _crawl(context)


@tool(effect="unsafe", timeout_s=60)
def spawn(context: Any) -> None:
    """Start children of every kind, tell their numbers, and hang."""
    plain = subprocess.Popen(["sleep", "60"])
    command = ["sh", "-c", "setsid sleep 60 >/dev/null & echo $!"]  # its starter ends at once: nobody's child any more
    detached = subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True, close_fds=True)
    forked = os.fork()
    if not forked:
        time.sleep(60)
        os._exit(0)
    context.progress(1, f"{plain.pid} {detached.strip()} {forked}")
    time.sleep(60)


@register
class Clerk(Agent):
    """Has every kind of tool."""

    name = "clerk"
    model = "claude-sonnet-5-5"
    system = "You are the clerk."
    tools = [look_up, put, send, book, refund, small_refund, crawl, crawl_briefly, spawn, ask_human]


@register
class Cashier(Agent):
    """Pays, where people or rules let it."""

    name = "cashier"
    model = "claude-sonnet-5-5"
    system = "You are the cashier."
    tools = [pay, look_up]


@register
class Teller(Agent):
    """Does more for operators than for others."""

    name = "teller"
    model = "claude-sonnet-5-5"
    system = "You are the teller."
    tools = [look_up, close_account, delete_account]


@register
class Closer(Agent):
    """Does nothing that is not for operators."""

    name = "closer"
    model = "claude-sonnet-5-5"
    system = "You are the closer."
    tools = [close_account]


@register
class Talker(Agent):
    """Converses."""

    name = "talker"
    model = "claude-sonnet-5-5"
    system = "You are the talker."
    converses = True


@register
class Hasty(Agent):
    """May ask the model twice."""

    name = "hasty"
    model = "claude-sonnet-5-5"
    system = "You are hasty."
    tools = [look_up]
    max_steps = 2


@register
class Unarmed(Agent):
    """Has no tools."""

    name = "unarmed"
    model = "claude-sonnet-5-5"
    system = "You are unarmed."


@register
class Thrifty(Agent):
    """May spend very little."""

    name = "thrifty"
    model = "claude-sonnet-5-5"
    system = "You are thrifty."
    max_cost_usd = 0.001


@register
class Unpriced(Agent):
    """Names a model that nobody sells."""

    name = "unpriced"
    model = "claude-imaginary-9"


class Verdict(BaseModel):
    """A structured output."""

    score: int
    reason: str


@register
class Judge(Agent):
    """Answers in a structure."""

    name = "judge"
    model = "claude-sonnet-5-5"
    system = "You are the judge."
    output_schema = Verdict


@register
class Single(Agent):
    """One at a time for each tenant."""

    name = "single"
    model = "claude-sonnet-5-5"
    system = "You are single."
    max_running_per_tenant = 1


def square(n: int) -> int:
    """Count and square."""
    _count(f"square-{n}")
    return n * n


@register
class Squares(Job):
    """A plain job of several recorded steps."""

    name = "squares"
    queue = "batch"

    def run(self, context: Any, upto: int, effect: str = "read") -> dict[str, Any]:
        """Square every number, one step each."""
        values = []
        for n in range(1, upto + 1):
            values.append(context.step(f"square-{n}", square, n, effect=effect))
            context.progress(100 * n / upto, f"{n} of {upto}")
        return {"values": values}


@register
class Assess(Job):
    """Returns what it is given, after a step that cannot be taken back."""

    name = "assess"
    queue = "batch"
    output_schema = Verdict

    def run(self, context: Any, verdict: Any) -> Any:
        """Act, and return it."""
        context.step("act", square, 2, effect="unsafe")
        return Verdict.model_construct(**verdict) if isinstance(verdict, dict) and "reason" in verdict else verdict


@register
class Crawler(Job):
    """A plain job with one step that never ends by itself."""

    name = "crawler"
    queue = "batch"

    def run(self, context: Any, effect: str = "unsafe") -> Any:
        """Crawl."""
        return context.step("crawl", _crawl, context, effect=effect)


def slow_square(n: int) -> int:
    """Take a while, and square."""
    time.sleep(0.2)
    return n * n


@register
class SlowSquares(Job):
    """Many recorded steps that take a while; each may be done once."""

    name = "slow_squares"
    queue = "batch"

    def run(self, context: Any, upto: int) -> int:
        """Square every number, one step each."""
        return sum(context.step(f"square-{n}", slow_square, n, effect="unsafe") for n in range(1, upto + 1))


def _read(document: str) -> str:
    """Read a document; what the tests want to happen meanwhile happens meanwhile."""
    _count("read")
    if document in MEANWHILE:
        MEANWHILE.pop(document)()
    return document


@register
class Scan(Job):
    """One at a time for each document; the newer post is discarded."""

    name = "scan"
    queue = "batch"
    unique_by = ("document",)
    on_conflict = "discard"

    def run(self, context: Any, document: str, note: str = "", effect: str = "unsafe") -> str:
        """Read it, and read it again."""
        context.step("read", _read, document, effect=effect)
        return str(context.step("read-again", _read, document, effect=effect))


@register
class ScanOnce(Job):
    """As `Scan`, and not again within a minute, whatever the case of the document's name."""

    name = "scan_once"
    queue = "batch"
    unique_by = lambda input: input["document"].lower()  # noqa: E731
    on_conflict = "discard"
    unique_for_s = 60

    def run(self, context: Any, document: str) -> str:
        """Read it."""
        return str(context.step("read", _read, document, effect="read"))


@register
class Digest(Job):
    """What was done within the hour is not done again."""

    name = "digest"
    queue = "batch"
    fresh_for_s = 3600

    def run(self, context: Any, document: str) -> str:
        """Read it."""
        return str(context.step("read", _read, document, effect="read"))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@register
class Poison(Job):
    """Takes its worker down, each time."""

    name = "poison"
    queue = "batch"

    def run(self, context: Any) -> None:
        """Die."""
        context.step("die", _die, effect="read")


__all__ = ["CALLS", "FAIL", "HAPPENED", "KEYS", "MEANWHILE", "ToolError", "TransientError", "UnknownOutcomeError"]
