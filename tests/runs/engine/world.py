"""The world around the engine in the state machine: a clock that stands still unless told, a model and tools that
follow a script, the fault points, and a ledger of the effects that have really happened.

Everything in between is real: database, operations, claims, journal, recovery, reconciler.
"""

import asyncio
import logging
from collections import Counter
from datetime import UTC
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.db.models import DateTimeField, Value
from django.utils import timezone

from runs import clock, fault_points
from runs.declarations import catalog
from runs.engine import model_call
from runs.registry import Agent, Job, RateLimitedError, ToolError, UnknownOutcomeError, ask_human, tool
from runs.secrets import known
from tests.runs.engine.scripted_model import CANARY, ScriptedModel

TOOL_FAULTS = (
    "transient", "lost answer", "unknown", "unknown, done", "permanent", "told", "limited", "slow",
    "cancels itself", "exits", "awaits", "awaits and dies", "leaves open", "cannot be written", "tells a secret",
)  # fmt: skip
ODD_RESULTS = {
    "cannot be written": {"nan": float("nan"), "bytes": b"\xff", "long": 10**5000, 7: object},
    "tells a secret": {CANARY: f"redis://:{CANARY}@cache", "said": f'"{CANARY}"'},
}


def key_in(given):
    """Read the key of a run out of its number: those with even numbers count as the same, and the others too."""
    return str(int(given["text"].partition("|")[0]) % 2)


class Crash(BaseException):
    """The process is gone."""


class _Frozen(Value):
    """Stands where the database's clock stood."""

    def __add__(self, ahead):
        return Value(self.value + ahead, output_field=DateTimeField())


class _Points(dict):
    """All fault points, armed: passing one tells the world, which may raise."""

    def __init__(self, passed):
        super().__init__(dict.fromkeys(fault_points.POINTS))
        self._passed = passed

    def __getitem__(self, name):
        self._passed(name)
        return 9, 0.0


class _Alarms(logging.Handler):
    """Errors that the engine caught and logged: none of them may be swallowed here."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.heard = []

    def emit(self, record):
        if record.exc_info:
            self.heard.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


def _moment_in_sql(moment):
    """Write it as `clock.sql` writes the present."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return f"'{text[:-3]}'" if connection.vendor == "sqlite" else f"TIMESTAMPTZ '{text}+00'"


class World:
    """What one example plays in. Close it, or the next test finds the clocks and the model replaced."""

    def __init__(self):
        self.effects = Counter()  # (run id, tool_use_id or name of the step): how often it has really happened
        self.model = ScriptedModel(lambda: self._pass("in the stream"))
        self.tool_faults = []
        self.lease_of = {}  # run id: the newest lease in this process, for a tool that takes its time
        self.deed = None  # (fault points still to pass, what to do then)
        self.alarms = _Alarms()
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("AGENTOPS_SECRET_CANARY", CANARY)
        known.cache_clear()
        self._depth = len(connection.savepoint_ids)
        self._open()

    def _open(self):
        base = timezone.now()
        base = base.replace(microsecond=base.microsecond // 1000 * 1000)  # as exact as SQLite is
        set_ = self._patch.setattr
        set_(clock, "DatabaseNow", lambda: _Frozen(base, output_field=DateTimeField()))
        set_(clock, "now", lambda: base + clock._ahead)
        set_(clock, "sql", lambda: _moment_in_sql(base + clock._ahead))
        set_(clock, "time", SimpleNamespace(monotonic=lambda: 1000.0))
        set_(fault_points, "_armed", lambda: self._points)
        set_(model_call, "ask", self.model.ask)
        self._points = _Points(self._pass)
        for job_type in (self._agent(), self._talker(), self._job()):
            self._patch.setitem(catalog._catalog, job_type.name, job_type())
        logging.getLogger("runs").addHandler(self.alarms)

    def close(self):
        """Put the real world back."""
        logging.getLogger("runs").removeHandler(self.alarms)
        self._patch.undo()
        clock.reset()

    # Fault points

    def _pass(self, name):
        """Do the deed at its fault point. Only a crash may strike within a transaction: others wait for its lock."""
        if self.deed is None:
            return
        left, do = self.deed
        if left:
            self.deed = left - 1, do
        elif do is crash or len(connection.savepoint_ids) == self._depth:
            self.deed = None
            do()

    # The tools

    def act(self, run_id, mark, context):
        """Have an effect, or not, as the script says."""
        fault = self.tool_faults.pop(0) if self.tool_faults else None
        errors = {
            "transient": ConnectionError("refused"),
            "unknown": UnknownOutcomeError("no idea"),
            "permanent": ValueError("no such order"),
            "told": ToolError(f"no, {CANARY}"),
            "limited": RateLimitedError("later", retry_after_s=1.0),
            "cancels itself": asyncio.CancelledError(),
            "exits": SystemExit(3),
        }
        if fault in errors:
            raise errors[fault]
        if fault in ("awaits", "awaits and dies"):
            return self._act_later(run_id, mark, dies=fault == "awaits and dies")
        if fault == "leaves open":
            transaction.atomic().__enter__()
            return "rolled back with all that was done in it"
        self.effects[run_id, mark] += 1
        if fault in ODD_RESULTS:
            return ODD_RESULTS[fault]
        if fault == "lost answer":
            raise ConnectionError("reset by peer")
        if fault == "unknown, done":
            raise UnknownOutcomeError("no idea")
        if fault == "slow":
            clock.advance(700)  # beyond the run's timeout_s, with a heartbeat all the while
            self.lease_of[run_id].valid_until = clock.monotonic() + 8
            context.progress(50)
        return "done"

    async def _act_later(self, run_id, mark, *, dies):
        """Have the effect on an event loop, between two awaits, or fail before it."""
        await asyncio.sleep(0)
        if dies:
            raise asyncio.CancelledError
        self.effects[run_id, mark] += 1
        await asyncio.sleep(0)
        return "done"

    def _agent(self):
        def act(context):
            """Act."""
            return self.act(context.run_id, context.tool_use_id, context)

        def refund(context, amount: int):
            """Refund."""
            return act(context)

        def found(context, arguments):
            return "found" if self.effects[context.run_id, context.tool_use_id] else None

        def of(name, effect, f=act, **more):
            return tool(name=name, description=name, function=f, effect=effect, **more)

        class Machine(Agent):
            name = "machine"
            model = "claude-sonnet-5-5"
            unique_by = staticmethod(key_in)
            max_cost_usd = 0.2
            max_steps = 8
            tools = [
                of("read", "read"),
                of("put", "idempotent"),
                of("send", "unsafe"),
                of("book", "verifiable", verify=found),
                of("refund", "unsafe", refund, approval="always"),
                ask_human,
            ]

        return Machine

    def _talker(self):
        class Talker(Agent):
            name = "machine_talker"
            model = "claude-sonnet-5-5"
            converses = True

        return Talker

    def _job(self):
        world = self

        class Steps(Job):
            name = "machine_job"
            queue = "batch"

            def run(self, context, effects: list[str], number: int = 0):
                for place, effect in enumerate(effects):
                    mark = f"{effect}-{place}"
                    context.step(mark, world.act, context.run_id, mark, context, effect=effect)
                return "done"

        return Steps


def crash():
    """Die, here and now."""
    raise Crash
