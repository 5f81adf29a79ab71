"""Rows for the console's tests: one tenant's runs in every interesting state, made without a worker."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from deadletters.models import DeadLetter, LetterGroup
from runs.engine.approvals.binding import bind
from runs.models import (
    Membership,
    ModelCall,
    PendingAction,
    Price,
    Role,
    Run,
    RunEvent,
    Step,
    Tenant,
    Worker,
)
from runs.models.artifact import keep_text
from runs.models.definition import definition_for
from runs.models.fields import hash_of
from runs.models.queue_lane import join_lane, lane_for, rank_of
from runs.operations.accounts import make_member
from runs.registry import Agent, register, tool
from runs.states import ENDED, RunStatus

HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
MODEL = "claude-sonnet-5-5"

Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise warns about a missing one


def _risk(arguments: dict[str, Any]) -> str:
    return "low" if arguments["amount_usd"] < 20 else "high" if arguments["amount_usd"] > 1000 else "medium"


@tool(effect="unsafe", approval="always", risk=_risk, amount="amount_usd")
def console_refund(context: Any, order_id: str, amount_usd: float) -> dict[str, Any]:
    """Refund an order."""
    return {"refunded": amount_usd}


@register
class ConsoleAgent(Agent):
    """What the console's tests post."""

    name = "console_agent"
    model = MODEL
    tools = [console_refund]


def make_tenant(slug: str = "acme", name: str = "") -> Tenant:
    return Tenant.objects.get_or_create(slug=slug, defaults={"name": name or slug})[0]


def make_user(username: str, *, tenant: Tenant | None = None, role: Role = Role.ADMIN, perms: tuple[str, ...] = ()):
    """A staff user of a tenant with these permissions, `app.codename`."""
    user = get_user_model().objects.create_user(username, password="pw", is_staff=True)
    for perm in perms:
        app, codename = perm.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    if tenant:
        Membership.objects.create(user=user, tenant=tenant, role=role)
    return user


def make_run(tenant: Tenant, user: Any, status: RunStatus = RunStatus.QUEUED, **columns: Any) -> Run:
    now = timezone.now()
    job_type = columns.pop("job_type", "console_agent")
    defaults = {
        "input": {"text": "Please refund order 5098."},
        "started_at": None if status in ("queued", "scheduled") else now - timedelta(seconds=75),
        "finished_at": now if status in ENDED else None,
        "lease_expires_at": now + timedelta(seconds=8) if status == RunStatus.RUNNING else None,
        "next_attempt_at": now + timedelta(minutes=3) if status in ("scheduled", "retrying") else None,
        "max_cost_usd": Decimal("0.5"),
        "timeout_s": 600,
        "created_at": now - timedelta(minutes=5),
    }
    created = columns.get("created_at", defaults["created_at"])
    run = Run.objects.create(
        id=columns.pop("id", uuid4()),
        tenant=tenant,
        job_type=job_type,
        queue="agents",
        queue_lane=lane_for(queue="agents", tenant=tenant, job_type=job_type, cap=None),
        rank=rank_of(created.timestamp(), 5),
        status=status,
        requested_by=user,
        event_seq=1,
        **(defaults | columns),
    )
    RunEvent.objects.create(run=run, seq=1, kind="run.queued", actor=user.username, at=run.created_at)
    join_lane(run)
    return run


def make_step(run: Run, kind: str = "model_call", status: str = "completed", **columns: Any) -> Step:
    now = timezone.now()
    content = [{"type": "text", "text": "I will look at the order."}]
    defaults: dict[str, Any] = {"name": MODEL if kind == "model_call" else "console_refund", "attempt": 1}
    if status != "planned":
        defaults["started_at"] = now - timedelta(seconds=2.4)
    if status == "completed":
        defaults["finished_at"] = now
        is_model = kind == "model_call"
        defaults["result"] = {"content": content, "stop_reason": "end_turn"} if is_model else {"text": "done"}
    return Step.objects.create(run=run, seq=run.steps.count() + 1, kind=kind, status=status, **(defaults | columns))


def make_action(step: Step, kind: str = "approval", **columns: Any) -> PendingAction:
    now = timezone.now()
    defaults: dict[str, Any] = {
        "tool": step.name if step.kind == "tool_call" else "",
        "arguments": step.arguments,
        "effect": step.effect,
        "effect_key": step.effect_key or "",
        "reason": "console_refund needs approval (unsafe effect).",
        "requested_at": now,
        "expires_at": now + timedelta(days=7),
    }
    columns = defaults | columns
    columns.setdefault("arguments_hash", hash_of(columns["arguments"]))
    return PendingAction.objects.create(tenant=step.run.tenant, run=step.run, step=step, kind=kind, **columns)


LOST = "console_refund was begun at 2026-11-25 16:13:59 UTC and its result was lost (WorkerLost)."
EVIDENCE = {
    "begun_at": "2026-11-25T16:13:59Z",
    "last_heartbeat_at": "2026-11-25T16:14:01Z",
    "worker": "box-7:4711",
    "may_arrive_until": "2026-11-25T16:15:07Z",
}


def make_waiting(tenant: Tenant, kind: str = "approval", **columns: Any) -> PendingAction:
    """A run of the service account that waits for a decision of this kind."""
    requester = columns.pop("requested_by", None) or make_member(tenant, None)
    run = make_run(tenant, requester, RunStatus.WAITING_FOR_CONFIRMATION)
    arguments = {"order_id": "5098", "amount_usd": columns.pop("amount", 910.5)}
    if kind == "approval":
        call = bind(console_refund, arguments)
        columns = {"bound_hash": call.bound_hash, "risk": call.risk, "amount_usd": call.amount_usd} | columns
        make_step(
            run, result=ask_for("console_refund", arguments), input_tokens=812, output_tokens=96, cost_usd="0.0039"
        )
        step = make_step(
            run, "tool_call", "planned", arguments=arguments, effect="unsafe", effect_key=uuid4().hex, attempt=0
        )
    elif kind == "outcome":
        step = make_step(run, "tool_call", "unknown", arguments=arguments, effect="unsafe", effect_key=uuid4().hex)
        columns = {"expires_at": None, "reason": LOST, "evidence": EVIDENCE} | columns
    elif kind == "budget":
        step = make_step(run, "model_call", "planned", attempt=0)
        columns.setdefault("arguments", {"max_cost_usd": "1.00"})
    else:
        step = make_step(run, "wait", "planned", name="wait", attempt=0)
    return make_action(step, kind, **columns)


def ask_for(
    name: str, arguments: dict[str, Any], text: str = "The order qualifies. I will refund it."
) -> dict[str, Any]:
    """A model's answer that asks for a tool."""
    call = {"type": "tool_use", "id": f"toolu_{uuid4().hex[:12]}", "name": name, "input": arguments}
    return {"content": [{"type": "text", "text": text}, call], "stop_reason": "tool_use"}


def make_letter(run: Run, **columns: Any) -> DeadLetter:
    defaults = {
        "arguments": '{"text": "Please refund order 5098."}',
        "step": 2,
        "step_name": "console_refund",
        "error_class": "UnknownPriceError",
        "error_message": "the model has no price",
        "traceback": 'Traceback (most recent call last):\n  File "job.py", line 3, in f\nUnknownPriceError: no price',
        "attempts": 1,
        "cost_usd": Decimal("0.0123"),
        "effects": '{"done": [{"seq": 2, "tool": "console_refund", "effect_key": "k-2"}], "unknown": []}',
        "fingerprint": "v1-0123456789abcdef01234567",
        "failed_at": timezone.now(),
    }
    return DeadLetter.objects.create(
        run_id=run.pk, tenant=run.tenant.slug, job_type=run.job_type, **(defaults | columns)
    )


def make_group(message: str = "the model has no price") -> LetterGroup:
    """The group of all letters that are in none."""
    now = timezone.now()
    group = LetterGroup.objects.create(
        fingerprint="v1-0123456789abcdef01234567", job_type="console_agent", error_class="UnknownPriceError",
        message=message, first_seen=now, last_seen=now, count=DeadLetter.objects.filter(group=None).count(),
    )  # fmt: skip
    DeadLetter.objects.filter(group=None).update(group=group)
    return group


def make_failed(tenant: Tenant, user: Any, message: str = "the model has no price") -> DeadLetter:
    """A run that gave up, with its letter."""
    now = timezone.now()
    error = {"type": "UnknownPriceError", "message": message}
    run = make_run(
        tenant, user, RunStatus.FAILED, attempts=1, last_error=error | {"at": now.isoformat(timespec="seconds")}
    )
    make_step(run, "model_call", "failed", error=error, finished_at=now)
    return make_letter(run, error_message=message)


def make_completed(tenant: Tenant, user: Any, text: str = "Refunded $910.50 to order 5098.") -> Run:
    """A run with everything: model and tool calls, ledger, artifact, events, definition."""
    definition = definition_for(
        job_type="console_agent",
        model=MODEL,
        system=f"You refund. {text}",
        tools=[{"name": "console_refund"}],
        max_tokens=4096,
    )
    usage = {"input_tokens": 812, "output_tokens": 96, "cache_read_tokens": 2048, "cache_write_tokens": 512}
    run = make_run(
        tenant, user, RunStatus.COMPLETED, definition=definition, output=text, cost_usd=Decimal("0.01234"),
        progress_percent=100, progress_message=text, metadata={"ticket": "T-9"}, **usage,
    )  # fmt: skip
    arguments = {"order_id": "5098", "amount_usd": 910.5, "note": text}
    asked = make_step(run, result=ask_for("console_refund", arguments, text), cost_usd=Decimal("0.0061"), **usage)
    make_step(run, "tool_call", arguments=arguments, effect="read", result={"text": '{"refunded": 910.5}'})
    make_step(
        run,
        "tool_call",
        "failed",
        arguments=arguments,
        error={"type": "ToolError", "message": text},
        result={"text": text},
    )
    make_step(run, result={"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"})
    make_call(asked)
    keep_text(run, name="step-2-console_refund", text="long " * 1000).save()
    RunEvent.objects.create(
        run=run, seq=2, kind="run.completed", actor="worker", at=timezone.now(), data={"text": text}
    )
    return run


def make_call(step: Step) -> ModelCall:
    now = timezone.now()
    return ModelCall.objects.create(
        run=step.run, step=step, attempt=1, fence=1, status="settled", model=step.name, body_hash="0" * 64,
        max_tokens=4096, stop_reason="tool_use", input_tokens=812, output_tokens=96, reserved_usd=Decimal("0.07"),
        cost_usd=Decimal("0.0061"), price_version="1", started_at=now - timedelta(seconds=2), finished_at=now,
    )  # fmt: skip


def make_price(model: str = MODEL, **columns: Any) -> Price:
    rates = ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd")
    return Price.objects.create(model=model, **(dict.fromkeys(rates, Decimal(2)) | columns))


def make_worker() -> Worker:
    now = timezone.now()
    return Worker.objects.create(
        name="host-1.4711", host="host-1", pid=4711, queues=["agents", "default"], slots=8, held=2,
        started_at=now - timedelta(hours=2), heartbeat_at=now,
    )  # fmt: skip
