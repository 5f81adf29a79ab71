"""Circuit breakers: a model is not asked after a 429 or a burst of failures, until one run has probed it.

The intent of a model call demands a closed circuit in its own statement, so a closed one costs nothing. When the pause
is over the circuit is half-open: one run probes. Its answer closes the circuit; another failure opens it again. The
reconciler then releases the runs that were held (`maintenance/release_held.py`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import anthropic
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable

from runs import clock
from runs.conf import conf
from runs.engine.classifier import classification_of
from runs.engine.retry import retry_after_s
from runs.errors import CircuitOpenError, HeldBackError
from runs.models import PROVIDER, CircuitBreaker, ModelCall, ModelCallStatus, OpenReason, Run
from runs.models.fields import first_id_at
from runs.states import ErrorKind, RunStatus
from runs.storable import storable_text

log = logging.getLogger(__name__)

_FAILS = (ErrorKind.SERVICE, ErrorKind.TIMEOUT)
BURST = 5  # this many failures open the circuit: within `BURST_S` and at least half of all calls,
BURST_S = 30.0
IN_A_ROW_S = 2 * 3600.0  # or one after the other within this time, without an answer in between
_DOUBLINGS = 64  # more of them change nothing, and overflow in the end


def is_not_probed() -> Combinable | Q:
    """Select the breakers that no living claim probes."""
    living = Run.objects.filter(pk=OuterRef("probe"), fence=OuterRef("probe_fence"), status=RunStatus.RUNNING)
    return Q(probe__isnull=True) | ~Exists(living)


def probe(model: str, run: Run, *, fence: int) -> None:
    """Make this claim the probe of a half-open circuit, if it has none.

    Raises: HeldBackError otherwise.
    """
    breaker = CircuitBreaker.objects.filter(provider=PROVIDER, model=model, open_until__isnull=False).first()
    if breaker is None:
        return  # closed meanwhile
    free = CircuitBreaker.objects.filter(is_not_probed(), pk=breaker.pk, open_until__lte=clock.Now())
    if not free.update(probe=run.pk, probe_fence=fence):
        raise HeldBackError(f"{breaker} is open: {breaker.reason}", breaker_id=breaker.pk)


def record_success(call: ModelCall) -> None:
    """The provider works: close the circuit that this call has probed."""
    with _no_harm_done():
        _close(call)


def _close(call: ModelCall) -> None:
    mine = CircuitBreaker.objects.filter(provider=PROVIDER, model=call.model, probe=call.run_id, probe_fence=call.fence)
    mine.update(open_until=None, open_reason="", reason="", times_opened=0, probe=None)


def record_failure(call: ModelCall, error: BaseException, *, probing: bool) -> None:
    """Open the circuit if this failure says that other runs would fail as well."""
    with _no_harm_done():
        if call.error_kind == ErrorKind.RATE_LIMIT:
            pause_s = retry_after_s(error)
            _open(call, OpenReason.RATE, conf().retry_after_default_s if pause_s is None else pause_s, error)
        elif call.error_kind and (probing or _is_burst(call.model) or _is_unanswered(call.model)):
            _open(call, OpenReason.CIRCUIT, None, error)
        elif probing and isinstance(error, anthropic.APIStatusError):
            _close(call)  # it refuses this very request, so it works


def hold_if_open(call: ModelCall, error: BaseException) -> None:
    """Hold the run back if its call has met an open circuit, or has opened it. Raises: CircuitOpenError."""
    with _no_harm_done():
        open_one = CircuitBreaker.objects.filter(provider=PROVIDER, model=call.model, open_reason=OpenReason.CIRCUIT)
        breaker = open_one.first() if call.error_kind in _FAILS else None
        if breaker:
            raise CircuitOpenError(f"the circuit of {breaker} is open", breaker_id=breaker.pk) from error


@contextmanager
def _no_harm_done() -> Iterator[None]:
    """Go on without the breaker if the database is away: the answer, or the error, of the call matters more."""
    try:
        yield
    except DatabaseError:
        log.exception("a circuit breaker could not be written")


def error_kind_of(error: BaseException) -> str:
    """Name the kind of error that a failed call counts as; empty if the request itself was at fault."""
    return classification_of(error).error_kind or ""


def _is_burst(model: str) -> bool:
    """Look at the calls of the last seconds, the present one not among them: it is not written yet."""
    since = first_id_at(clock.now() - timedelta(seconds=BURST_S))
    ended = ModelCall.objects.filter(pk__gte=since, model=model).exclude(status=ModelCallStatus.STARTED)
    failed = ended.filter(error_kind__in=_FAILS).count() + 1
    return failed >= BURST and 2 * failed >= ended.count() + 1


def _is_unanswered(model: str) -> bool:
    """Say whether the last calls, over more than a burst's time, have all failed: a quiet day has no bursts."""
    now = clock.now()
    since, burst = (first_id_at(now - timedelta(seconds=ago_s)) for ago_s in (IN_A_ROW_S, BURST_S))
    ended = ModelCall.objects.filter(pk__gte=since, model=model).exclude(status=ModelCallStatus.STARTED)
    last = list(ended.order_by("-pk").values_list("pk", "error_kind")[: BURST - 1])
    return len(last) == BURST - 1 and last[-1][0] < burst and all(error_kind for _, error_kind in last)


def _open(call: ModelCall, by: OpenReason, pause_s: float | None, error: BaseException) -> None:
    """Open the circuit, or keep it open for longer.

    Without a pause from the provider it doubles each time, up to `circuit_pause_max_s`.
    """
    with transaction.atomic():
        breaker, _ = CircuitBreaker.objects.select_for_update().get_or_create(provider=PROVIDER, model=call.model)
        is_probe = (breaker.probe, breaker.probe_fence) == (call.run_id, call.fence)
        # A provider that answers 429 works: openings for the other reason do not count.
        times_opened = breaker.times_opened if breaker.open_reason == by else 0
        if not breaker.is_open or is_probe:
            times_opened, breaker.probe = times_opened + 1, None
        if pause_s is None:
            pause_s = _circuit_pause_s(times_opened)
        now = clock.now()
        if not breaker.is_open:
            breaker.opened_at = now  # calls that were in flight then fail later, and probes too
        until = now + timedelta(seconds=pause_s)
        if breaker.open_until is None or until > breaker.open_until:
            breaker.open_reason, breaker.open_until, breaker.times_opened = by, until, max(1, times_opened)
            breaker.reason = storable_text(f"{type(error).__name__}: {error}", 250)
        breaker.save()


def _circuit_pause_s(times_opened: int) -> float:
    doublings = min(max(0, times_opened - 1), _DOUBLINGS)
    return min(conf().circuit_pause_s * 2.0**doublings, conf().circuit_pause_max_s)
