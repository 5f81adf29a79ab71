"""Ask the model: reserve, intent, request, answer; each try is a row of the ledger."""

from decimal import Decimal
from typing import Any

from runs import clock
from runs.conf import conf
from runs.declarations.job_types import Agent
from runs.engine.batched import CACHE_TTL, DEADLINE_S, end_call, lay_in
from runs.engine.budget_asking import asks_for_more, wait_for_room
from runs.engine.circuit_breaker import error_kind_of, hold_if_open, probe, record_failure, record_success
from runs.engine.classifier import may_have_spent
from runs.engine.journal import Journal, release_connection
from runs.engine.ledger import settle_charge
from runs.engine.outcomes import InBatch, Outcome, Waiting
from runs.engine.prices import tariff_of
from runs.engine.provider import Answer, Progress, ask
from runs.engine.rate_limits.estimate import estimate_of
from runs.engine.rate_limits.permits import Permit
from runs.engine.rate_limits.waiting import acquire_ahead, permit_for
from runs.engine.request import messages_for, request_of
from runs.engine.secret_arguments import calls_with_secrets, refuse
from runs.engine.signed_blocks import LEFT_OUT, fit_to_keep
from runs.engine.tariff import Tariff
from runs.engine.turn import refuse_bad_end
from runs.engine.valid_blocks import Ids
from runs.errors import BudgetFullError, HeldBackError, ModelStoppedError, NoPermitError, StepLimitError
from runs.fault_points import fault_point
from runs.models import PROVIDER, Definition, ModelCall, ModelCallStatus, Step, Tier
from runs.models.fields import dump_json, hash_text
from runs.sanitize import clean, clean_text
from runs.states import Lane, StepKind
from runs.user_code.call import ask_hook

MAX_TOKENS_CEILING = 64_000


def ask_model(journal: Journal, agent: Agent, step: Step | None) -> Outcome | None:
    """Make one model call, record its answer and plan the tool calls it asks for.

    Returns None when the run may go on, or the outcome that ends this claim.
    Raises: StepLimitError, UnknownPriceError, BudgetRefusedError, HeldBackError, RateLimitReachedError, and what the
    provider raises.
    """
    run, definition = journal.run, journal.run.definition
    assert definition is not None
    if step is None:
        _check_step_limit(journal, agent)
        step = journal.plan(StepKind.MODEL_CALL, definition.model)
    max_tokens = _max_tokens(definition, step)
    messages = messages_for(run, agent, journal.steps)
    in_batch = run.lane == Lane.BATCH
    request = request_of(
        definition,
        messages,
        max_tokens=max_tokens,
        end_user=ask_hook(agent, "end_user", run.input),
        cache_ttl=CACHE_TTL if in_batch else None,
    )
    body = dump_json(request)
    tariff = tariff_of(definition.model, at=journal.lease.now())
    reserve = tariff.reserve_usd(body, max_tokens=max_tokens)
    if asks_for_more(journal, step, reserve):
        return Waiting()
    ttl, now = definition.cache_ttl, journal.lease.now()
    estimate = estimate_of(body, messages, journal.steps, max_tokens=max_tokens, cache_ttl=ttl, now=now)
    try:
        if in_batch:
            call = _row_of(journal, step, request, body, reserved_usd=reserve, tariff=tariff)
            lay_in(journal, call, body)
            return InBatch()
        with permit_for(journal, definition.model, estimate) as permit:
            call, probing = _begin(journal, step, request, body, permit=permit, reserved_usd=reserve, tariff=tariff)
            answer = _send(journal, call, request, permit, probing=probing)
    except BudgetFullError as full:
        return wait_for_room(journal, step, full)
    # Use the tariff of the reserve, even if it has changed since: no query may fail between answer and commit.
    record_answer(journal, step, call, answer.message, tokens=settle_charge(call, answer.message, tariff))
    return None


def _check_step_limit(journal: Journal, agent: Agent) -> None:
    calls = sum(step.kind == StepKind.MODEL_CALL for step in journal.steps)
    if calls >= agent.max_steps:
        raise StepLimitError(f"the run needed more than {agent.max_steps} model calls (max_steps)")


def _max_tokens(definition: Definition, step: Step) -> int:
    """Choose `max_tokens`: a truncated answer is requested again with twice as many."""
    cut = step.model_calls.filter(stop_reason="max_tokens").count() if step.attempt else 0
    return int(min(definition.max_tokens * 2**cut, max(definition.max_tokens, MAX_TOKENS_CEILING)))


def _begin(
    journal: Journal,
    step: Step,
    request: dict[str, Any],
    body: str,
    *,
    permit: Permit,
    reserved_usd: Decimal,
    tariff: Tariff,
) -> tuple[ModelCall, bool]:
    """Commit the intent; return its row of the ledger, and whether this call probes a half-open circuit.

    Raises: HeldBackError, BudgetFullError, RateLimitReachedError.
    """
    probing = False
    while True:
        call = _row_of(journal, step, request, body, reserved_usd=reserved_usd, tariff=tariff)
        try:
            _intend(journal, call, permit)
        except NoPermitError:
            acquire_ahead(journal, permit)
        except HeldBackError:
            if probing:
                raise
            probe(call.model, journal.run, fence=journal.lease.fence)
            probing = True
        else:
            return call, probing


def _intend(journal: Journal, call: ModelCall, permit: Permit) -> None:
    """Commit the step and the row of the ledger, with its reserve and permit, before anything is sent.

    Raises: HeldBackError, BudgetFullError, NoPermitError.
    """
    takes = permit.is_due
    journal.commit_intent(circuit=(PROVIDER, call.model), permit=permit if takes else None)
    permit.is_taken |= takes
    fault_point("model.before")


def _row_of(
    journal: Journal, step: Step, request: dict[str, Any], body: str, *, reserved_usd: Decimal, tariff: Tariff
) -> ModelCall:
    """Start the step, with a row of the ledger that holds the reserve; the next commit writes them."""
    in_batch = journal.run.lane == Lane.BATCH
    journal.start(step, deadline_s=DEADLINE_S if in_batch else conf().model_timeout_s)
    call = ModelCall(
        run=journal.run,
        step=step,
        attempt=step.attempt,
        fence=journal.lease.fence,
        model=request["model"],
        tier=Tier.BATCH if in_batch else Tier.STANDARD,
        body_hash=hash_text(body),
        max_tokens=request["max_tokens"],
        reserved_usd=reserved_usd,
        price_version=tariff.version,
        started_at=journal.lease.now(),
    )
    journal.record_call(call)
    return call


def _send(journal: Journal, call: ModelCall, request: dict[str, Any], permit: Permit, *, probing: bool) -> Answer:
    lease, progress = journal.lease, Progress()
    release_connection()
    lease.check()
    lease.begin_step(conf().model_timeout_s)
    permit.sent, began = True, clock.monotonic()
    try:
        answer = ask(request, check=lease.check, progress=progress, timeout_s=conf().model_timeout_s)
    except Exception as error:
        _end_without_answer(journal, call, progress, error)
        if call.error_kind:
            lease.forgive(clock.monotonic() - began)  # the provider's time, not the run's
        record_failure(call, error, probing=probing)
        hold_if_open(call, error)
        raise
    finally:
        lease.end_step()
        permit.headers, permit.headers_at = progress.limits, progress.limits_at
    permit.message = answer.message
    if probing:
        record_success(call)
    fault_point("model.after")
    call.request_id = progress.request_id
    return answer


def _end_without_answer(journal: Journal, call: ModelCall, progress: Progress, error: Exception) -> None:
    """Record in the ledger what a failed try may have cost: the reserve, unless it certainly cost nothing."""
    spent = bool(progress.message_id) or may_have_spent(error)
    call.status = ModelCallStatus.PRESUMED if spent else ModelCallStatus.RELEASED
    call.cost_usd = call.reserved_usd if spent else Decimal(0)
    call.message_id, call.request_id = progress.message_id, progress.request_id
    call.error_type, call.finished_at = type(error).__name__, journal.lease.now()
    call.error_kind = error_kind_of(error)
    journal.record_call(call)
    if spent:
        charge_run(journal, call, {})


def presume_spent(journal: Journal, step: Step, *, why: str = "WorkerLost") -> None:
    """Settle calls left open by a dead holder: their reserve counts as spent, unless a batch knows better."""
    for call in step.model_calls.filter(status=ModelCallStatus.STARTED):
        if journal.will_settle(call):
            continue  # already settled
        call.step = step
        tokens: dict[str, int] = {}
        if call.tier == Tier.BATCH:
            tokens = end_call(call, at=journal.lease.now())
        else:
            call.status, call.cost_usd = ModelCallStatus.PRESUMED, call.reserved_usd
            call.error_type, call.finished_at = why[:100], journal.lease.now()
        journal.record_call(call)
        charge_run(journal, call, tokens)


def record_answer(
    journal: Journal, step: Step, call: ModelCall, message: dict[str, Any], *, tokens: dict[str, int]
) -> None:
    """Gather an answer, its cost and the calls it asks for; the next commit writes them together.

    Raises: ModelRefusedError, ModelStoppedError.
    """
    call.finished_at = journal.lease.now()
    journal.record_call(call)
    charge_run(journal, call, tokens)
    if call.stop_reason == "max_tokens":
        _ask_again_with_more(journal, step, call)
        return
    refuse_bad_end(message)
    taken = Ids(step.tool_use_id for step in journal.steps)
    calls = [block for block in message["content"] if block["type"] == "tool_use"]
    ids = [taken.take(block.get("id")) for block in calls]
    content, left_out = fit_to_keep(message["content"], ids)
    left_out += message.get(LEFT_OUT) or []
    noted = {LEFT_OUT: left_out} if left_out else {}
    journal.complete(step, {"content": content, **_how_it_stopped(message), **noted})
    with_secrets = calls_with_secrets(message)
    for place, (block, known_as) in enumerate(zip(calls, ids, strict=True)):
        call_of_turn = _plan_call(journal, block, known_as)
        if place in with_secrets:
            refuse(journal, call_of_turn)


def charge_run(journal: Journal, call: ModelCall, columns: dict[str, int]) -> None:
    """Add a call's usage and cost to its step and its run."""
    for name, tokens in columns.items():
        setattr(call.step, name, getattr(call.step, name) + tokens)
    call.step.cost_usd += call.cost_usd
    journal.keep(call.step)
    journal.spend(usage=columns, cost_usd=call.cost_usd)


def _ask_again_with_more(journal: Journal, step: Step, call: ModelCall) -> None:
    """Plan the same request with more tokens, or fail the run. The tools of a truncated turn are never called."""
    message = f"the answer was cut at max_tokens = {call.max_tokens}"
    if call.max_tokens >= MAX_TOKENS_CEILING:
        raise ModelStoppedError(message)
    journal.reset_to_planned(step, kind="max_tokens", message=message)
    journal.commit()  # the next try counts the truncated ones in the ledger


def _how_it_stopped(message: dict[str, Any]) -> dict[str, Any]:
    kept = {"stop_reason": message["stop_reason"], "message_id": message["id"], "model": message["model"]}
    if message.get("stop_details"):
        kept["stop_details"] = message["stop_details"]
    return kept


def _plan_call(journal: Journal, block: dict[str, Any], known_as: str) -> Step:
    """Plan a call under an id unique in this run, whatever id the model gave: tools may use it to tell calls apart."""
    return journal.plan(
        StepKind.TOOL_CALL,
        clean_text(str(block.get("name") or "")),
        tool_use_id=known_as,
        arguments=clean(block["input"]),
    )
