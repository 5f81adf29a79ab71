"""Asking the model: reserve, intent, request, answer; each try a row of the ledger."""

from decimal import Decimal
from typing import Any

from runs.conf import conf
from runs.declarations.job_types import Agent
from runs.engine.classifier import may_have_spent
from runs.engine.gates import PROVIDER, note_answer, note_failure, probe, trouble_of
from runs.engine.journal import Journal, release_connection
from runs.engine.ledger import PRICE_VERSION, cost_usd, reserve_usd, usage_columns
from runs.engine.outcomes import Outcome, Waiting
from runs.engine.provider import Answer, Progress, ask
from runs.engine.transcript import Message, messages_of
from runs.engine.turn import refuse_bad_end
from runs.errors import BudgetRefusedError, HeldBackError, ModelStoppedError, StepLimitError
from runs.fault_points import fault_point
from runs.hostile import clean, clean_text
from runs.models import Definition, ModelCall, ModelCallStatus, Run, Step
from runs.models.fields import dump_json, hash_text
from runs.states import ActionKind, ActionStatus, StepKind

MAX_TOKENS_CEILING = 64_000
_CACHE = {"type": "ephemeral"}


def request_of(
    definition: Definition, messages: list[Message], *, max_tokens: int, end_user: str | None
) -> dict[str, Any]:
    """Build the request.

    The end of `system` and the last block are cache breakpoints, so that each turn reads what the last one
    wrote.
    """
    request: dict[str, Any] = {
        "model": definition.model,
        "max_tokens": max_tokens,
        "messages": messages,
        "cache_control": _CACHE,
    }
    if definition.system:
        request["system"] = [{"type": "text", "text": definition.system, "cache_control": _CACHE}]
    if definition.tools:
        request["tools"] = definition.tools
    if end_user:
        request["metadata"] = {"user_id": end_user}
    return request


def history_before(run: Run) -> list[Message] | None:
    """Derive the transcript of the run that this one continues, if any."""
    if run.continues is None:
        return None
    from runs.declarations.catalog import job_type_named

    former = run.continues
    agent = job_type_named(former.job_type)
    assert isinstance(agent, Agent)
    return messages_of(agent.prompt(former.input), former.steps.order_by("seq"), before=history_before(former))


def ask_model(journal: Journal, agent: Agent, step: Step | None) -> Outcome | None:
    """Make one model call and record its answer, the calls it asks for planned.

    Returns None when the run may go on, or the outcome that ends this claim.
    Raises: StepLimitError, UnknownPriceError, BudgetRefusedError, HeldBackError, and what the provider raises.
    """
    run, definition = journal.run, journal.run.definition
    assert definition is not None
    if step is None:
        _check_step_limit(journal, agent)
        step = journal.plan(StepKind.MODEL_CALL, definition.model)
    max_tokens = _max_tokens(definition, step)
    messages = messages_of(agent.prompt(run.input), journal.steps, before=history_before(run))
    request = request_of(definition, messages, max_tokens=max_tokens, end_user=agent.end_user(run.input))
    body = dump_json(request)
    reserve = reserve_usd(definition.model, body_chars=len(body), max_tokens=max_tokens)
    if _asks_for_budget(journal, step, reserve):
        return Waiting()
    try:
        call, probing = _intend(journal, step, request, body, reserve), False
    except HeldBackError:
        probe(definition.model, run, fence=journal.lease.fence)
        call, probing = _intend(journal, step, request, body, reserve), True
    answer = _send(journal, call, request, probing=probing)
    _record(journal, step, call, answer)
    return None


def _check_step_limit(journal: Journal, agent: Agent) -> None:
    calls = sum(step.kind == StepKind.MODEL_CALL for step in journal.steps)
    if calls >= agent.max_steps:
        raise StepLimitError(f"the run needed more than {agent.max_steps} model calls (max_steps)")


def _max_tokens(definition: Definition, step: Step) -> int:
    """A truncated answer is asked for again with twice the room."""
    cut = step.model_calls.filter(stop_reason="max_tokens").count() if step.attempt else 0
    return int(min(definition.max_tokens * 2**cut, max(definition.max_tokens, MAX_TOKENS_CEILING)))


def _asks_for_budget(journal: Journal, step: Step, reserve: Decimal) -> bool:
    """Open a `budget` action if the worst case does not fit into what is left."""
    run = journal.run
    if run.max_cost_usd is None or run.cost_usd + reserve <= run.max_cost_usd:
        return False
    last = journal.decision_on(step)
    if last and last.status in (ActionStatus.REJECTED, ActionStatus.EXPIRED):
        raise BudgetRefusedError(f"the budget of {run.max_cost_usd.normalize():f} USD was not raised")
    if not (last and last.status == ActionStatus.OPEN):
        proposal = max(run.max_cost_usd * 2, run.cost_usd + reserve)
        journal.open_action(
            step,
            ActionKind.BUDGET,
            reason=f"The next model call may cost up to {reserve.normalize():f} USD; "
            f"{run.cost_usd.normalize():f} of {run.max_cost_usd.normalize():f} USD are spent.",
            arguments={"max_cost_usd": f"{proposal.quantize(Decimal('0.01')):f}"},
        )
    return True


def _intend(journal: Journal, step: Step, request: dict[str, Any], body: str, reserve: Decimal) -> ModelCall:
    """Commit the step and the row of the ledger before anything is sent."""
    journal.start(step, deadline_s=conf().model_timeout_s)
    call = ModelCall(
        run=journal.run,
        step=step,
        attempt=step.attempt,
        fence=journal.lease.fence,
        model=request["model"],
        body_hash=hash_text(body),
        max_tokens=request["max_tokens"],
        reserved_usd=reserve,
        price_version=PRICE_VERSION,
        started_at=journal.lease.now(),
    )
    journal.record_call(call)
    journal.commit_intent(gate=(PROVIDER, call.model))
    fault_point("model.before")
    return call


def _send(journal: Journal, call: ModelCall, request: dict[str, Any], *, probing: bool) -> Answer:
    progress = Progress()
    lease = journal.lease
    release_connection()
    lease.check()
    lease.begin_step(conf().model_timeout_s)
    try:
        answer = ask(request, check=lease.check, progress=progress, timeout_s=conf().model_timeout_s)
    except Exception as error:
        _end_without_answer(journal, call, progress, error)
        note_failure(call, error, probing=probing)
        raise
    finally:
        lease.end_step()
    if probing:
        note_answer(call)
    fault_point("model.after")
    call.message_id, call.request_id = progress.message_id, progress.request_id
    return answer


def _end_without_answer(journal: Journal, call: ModelCall, progress: Progress, error: Exception) -> None:
    """Note in the ledger what a failed try may have cost: the reserve, unless it surely cost nothing."""
    spent = bool(progress.message_id) or may_have_spent(error)
    call.status = ModelCallStatus.PRESUMED if spent else ModelCallStatus.RELEASED
    call.cost_usd = call.reserved_usd if spent else Decimal(0)
    call.message_id, call.request_id = progress.message_id, progress.request_id
    call.error_type, call.finished_at = type(error).__name__, journal.lease.now()
    call.trouble = trouble_of(error)
    journal.record_call(call)
    if spent:
        _charge(journal, call, {})


def presume_spent(journal: Journal, step: Step) -> None:
    """Settle the calls that a dead holder left open: their reserve counts as spent."""
    for call in step.model_calls.filter(status=ModelCallStatus.STARTED):
        if journal.has_settled(call):
            continue  # its end is known already
        call.status, call.cost_usd = ModelCallStatus.PRESUMED, call.reserved_usd
        call.error_type, call.finished_at = "WorkerLost", journal.lease.now()
        journal.record_call(call)
        _charge(journal, call, {})


def _record(journal: Journal, step: Step, call: ModelCall, answer: Answer) -> None:
    """Gather answer, usage, cost and the calls it asks for; the next commit writes them together."""
    usage = answer.message.get("usage") or {}
    columns = usage_columns(usage)
    call.status, call.finished_at = ModelCallStatus.SETTLED, journal.lease.now()
    call.stop_reason = answer.message["stop_reason"]
    call.cost_usd = cost_usd(call.model, usage)
    for name, tokens in columns.items():
        setattr(call, name, tokens)
    journal.record_call(call)
    _charge(journal, call, columns)
    if call.stop_reason == "max_tokens":
        _ask_again_with_more(journal, step, call)
        return
    refuse_bad_end(answer.message)
    journal.complete(step, {"content": answer.message["content"], **_how_it_stopped(answer.message)})
    for block in answer.message["content"]:
        if block.get("type") == "tool_use":
            _plan_call(journal, block)


def _charge(journal: Journal, call: ModelCall, columns: dict[str, int]) -> None:
    for name, tokens in columns.items():
        setattr(call.step, name, getattr(call.step, name) + tokens)
    call.step.cost_usd += call.cost_usd
    journal.keep(call.step)
    journal.spend(usage=columns, cost_usd=call.cost_usd)


def _ask_again_with_more(journal: Journal, step: Step, call: ModelCall) -> None:
    """A truncated turn never runs its tools: the same request is sent with more room, or the run fails."""
    message = f"the answer was cut at max_tokens = {call.max_tokens}"
    if call.max_tokens >= MAX_TOKENS_CEILING:
        raise ModelStoppedError(message)
    journal.put_back(step, kind="max_tokens", message=message)
    journal.commit()  # the next try counts the truncated ones in the ledger


def _how_it_stopped(message: dict[str, Any]) -> dict[str, Any]:
    kept = {"stop_reason": message["stop_reason"], "message_id": message["id"], "model": message["model"]}
    if message.get("stop_details"):
        kept["stop_details"] = message["stop_details"]
    return kept


def _plan_call(journal: Journal, block: dict[str, Any]) -> None:
    journal.plan(
        StepKind.TOOL_CALL,
        clean_text(block["name"]),
        tool_use_id=block["id"],
        arguments=clean(block["input"]),
    )
