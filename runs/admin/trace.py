"""The trace of a run: each step made ready to be shown. What steps hold is hostile and may have any shape."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runs.admin.kit import formatting
from runs.admin.kit.formatting import Badge, badge
from runs.engine.signed_blocks import LEFT_OUT, without_sealed
from runs.models import PendingAction, Run, Step
from runs.states import StepKind, StepStatus

_OPENED = (StepStatus.FAILED, StepStatus.UNKNOWN, StepStatus.STARTED)


@dataclass(frozen=True, slots=True)
class Part:
    """One labelled value inside a step; `is_code` sets it in monospace."""

    label: str
    text: str
    is_code: bool = True
    tone: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step as it is shown; `facts` are pairs of label and value."""

    seq: int
    kind: str
    name: str
    status: Badge
    attempt: int
    took: str
    tokens: str
    cost: str
    is_open: bool
    facts: list[tuple[str, str]]
    parts: list[Part]


def trace_of(run: Run, *, first: int, count: int, now: datetime) -> list[StepView]:
    """Read the steps from number `first` on, with the decisions that were asked for."""
    steps = list(run.steps.filter(seq__gte=first).order_by("seq")[:count])
    asked: dict[Any, list[PendingAction]] = defaultdict(list)
    for action in PendingAction.objects.filter(run=run, step__in=steps).select_related("decided_by"):
        asked[action.step_id].append(action)
    return [_view(step, asked[step.pk], is_last=step is steps[-1], now=now) for step in steps]


def _view(step: Step, actions: list[PendingAction], *, is_last: bool, now: datetime) -> StepView:
    total = sum(step.usage.values())
    is_model = step.kind == StepKind.MODEL_CALL
    return StepView(
        seq=step.seq,
        kind=step.kind.replace("_", " "),
        name=step.name,
        status=badge(step.status),
        attempt=step.attempt,
        took=formatting.duration(step.started_at, step.finished_at, now=now),
        tokens=f"{total:,} tokens" if total else "",
        cost=formatting.money(step.cost_usd) if is_model else "",
        is_open=is_last or step.status in _OPENED,
        facts=[(label, value) for label, value in _facts(step) if value],
        parts=[*_decisions(actions), *(_of_model(step) if is_model else _of_call(step)), *_error(step)],
    )


def token_kind(name: str) -> str:
    """Write `cache_read_tokens` as people say it, `cache read`."""
    return name.removesuffix("_tokens").replace("_", " ")


def _facts(step: Step) -> list[tuple[str, str]]:
    result = step.result if isinstance(step.result, dict) else {}
    used = [f"{count:,} {token_kind(name)}" for name, count in step.usage.items()]
    return [
        ("Started", formatting.moment(step.started_at)),
        ("Finished", formatting.moment(step.finished_at)),
        ("Stop reason", str(result.get("stop_reason", ""))),
        ("Tokens", ", ".join(used) if any(step.usage.values()) else ""),
        ("Effect class", step.effect),
        ("Effect key", step.effect_key or ""),
        ("Tool use", step.tool_use_id),
        ("Reused from", str(step.reused_from or "")),
    ]


def _of_model(step: Step) -> list[Part]:
    """The blocks of a model's answer, in their order."""
    result = without_sealed(step.result)
    content = result.get("content") if isinstance(result, dict) else None
    if not isinstance(content, list):
        return [Part("Answer", formatting.pretty(result))] if result is not None else []
    gone = result.get(LEFT_OUT)
    note = [Part("Left out", _left_out(gone), is_code=False, tone="quiet")] if gone else []
    return [*(_block(block) for block in content), *note]


def _left_out(kinds: Any) -> str:
    named = ", ".join(map(str, kinds)) if isinstance(kinds, list) else str(kinds)
    return f"{named}: signed by the provider, and not to be kept as it was (a secret, or characters no row holds)"


def _block(block: Any) -> Part:
    if not isinstance(block, dict):
        return Part("Block", formatting.pretty(block))
    match block.get("type"):
        case "text":
            return Part("Text", formatting.shortened(block.get("text")), is_code=False)
        case "thinking":
            return Part("Thinking", formatting.shortened(block.get("thinking")), is_code=False, tone="quiet")
        case "tool_use":
            return Part(f"Asks for {block.get('name')}", formatting.pretty(block.get("input")))
        case kind:
            return Part(str(kind), formatting.pretty(block))


def _of_call(step: Step) -> list[Part]:
    """Arguments and result of a tool call or function step; the answer of a wait."""
    parts = []
    if step.arguments is not None:
        parts.append(Part("Arguments", formatting.pretty(step.arguments)))
    if step.result is not None:
        label = "Answer" if step.kind == StepKind.WAIT else "Result"
        parts.append(Part(label, _result(step.result), is_code=step.kind != StepKind.WAIT))
    return parts


def _result(result: Any) -> str:
    """Unwrap what the engine stores, `{"text": …}` or `{"value": …}`; show anything else as it is."""
    if isinstance(result, dict) and isinstance(result.get("text"), str):
        note = f"\n[whole text: artifact {result['artifact']}]" if "artifact" in result else ""
        return formatting.pretty_text(result["text"]) + note
    if isinstance(result, dict) and set(result) == {"value"}:
        return formatting.pretty(result["value"])
    return formatting.pretty(result)


def _decisions(actions: list[PendingAction]) -> list[Part]:
    """What a person was asked, and what was decided."""
    parts = []
    for action in actions:
        parts.append(Part(f"Asked a person ({action.kind})", formatting.shortened(action.reason), is_code=False))
        if action.decided_at:
            by = f" by {action.decided_by}" if action.decided_by else ""
            note = f": {action.note}" if action.note else ""
            text = f"{formatting.moment(action.decided_at)}{note}"
            parts.append(Part(f"{action.status.capitalize()}{by}", text, is_code=False))
    return parts


def _error(step: Step) -> list[Part]:
    if not step.error:
        return []
    error = step.error if isinstance(step.error, dict) else {"message": str(step.error)}
    label = f"Error: {error.get('type', 'unknown')}"
    return [Part(label, formatting.shortened(error.get("message", "")), tone="bad")]
