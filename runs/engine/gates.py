"""Gates, as the engine uses them: shut when a provider asks for a pause or fails in a burst, then probed, then opened.

While a gate is shut no run asks its model, whichever worker holds it: the intent of a model call demands an open gate
in its own statement, so that passing an open one costs nothing. When the pause is over one run probes. Its answer opens
the gate; another failure shuts it again. The reconciler lets the held runs go on (`maintenance/open_gates.py`).
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
from runs.engine.retry_after import retry_after_s
from runs.errors import CircuitOpenError, HeldBackError
from runs.models import PROVIDER, Gate, ModelCall, ModelCallStatus, Run, ShutBy
from runs.models.fields import first_id_at
from runs.states import RunStatus, Trouble
from runs.storable import storable_text

log = logging.getLogger(__name__)

_FAILS = (Trouble.SERVICE, Trouble.TIMEOUT)
BURST = 5  # so many failures shut the gate: within `BURST_S` and at least half of all calls,
BURST_S = 30.0
IN_A_ROW_S = 2 * 3600.0  # or one after the other within so long, without an answer in between
_DOUBLINGS = 64  # more of them change nothing, and overflow in the end


def nobody_probes() -> Combinable | Q:
    """The gates of which no living claim is the probe."""
    living = Run.objects.filter(pk=OuterRef("probe"), fence=OuterRef("probe_fence"), status=RunStatus.RUNNING)
    return Q(probe__isnull=True) | ~Exists(living)


def probe(model: str, run: Run, *, fence: int) -> None:
    """Make this claim the one that probes the gate, if it may be probed now and nobody does.

    Raises: HeldBackError otherwise.
    """
    gate = Gate.objects.filter(provider=PROVIDER, model=model, shut_until__isnull=False).first()
    if gate is None:
        return  # opened meanwhile
    free = Gate.objects.filter(nobody_probes(), pk=gate.pk, shut_until__lte=clock.Now())
    if not free.update(probe=run.pk, probe_fence=fence):
        raise HeldBackError(f"{gate} is shut: {gate.reason}", gate_id=gate.pk)


def note_answer(call: ModelCall) -> None:
    """The provider works: open the gate that this call has probed."""
    with _no_harm_done():
        _open(call)


def _open(call: ModelCall) -> None:
    mine = Gate.objects.filter(provider=PROVIDER, model=call.model, probe=call.run_id, probe_fence=call.fence)
    mine.update(shut_until=None, shut_by="", reason="", times_shut=0, probe=None)


def note_failure(call: ModelCall, error: BaseException, *, probing: bool) -> None:
    """Shut the gate if this failure says that other runs would fail as well."""
    with _no_harm_done():
        if call.trouble == Trouble.RATE_LIMIT:
            pause_s = retry_after_s(error)
            _shut(call, ShutBy.RATE, conf().retry_after_default_s if pause_s is None else pause_s, error)
        elif call.trouble and (probing or _is_burst(call.model) or _is_unanswered(call.model)):
            _shut(call, ShutBy.CIRCUIT, None, error)
        elif probing and isinstance(error, anthropic.APIStatusError):
            _open(call)  # it refuses this very request, so it works


def forgive_outage(call: ModelCall, error: BaseException) -> None:
    """Hold the run back if its call has met an open circuit, or has opened it. Raises: CircuitOpenError."""
    with _no_harm_done():
        shut = Gate.objects.filter(provider=PROVIDER, model=call.model, shut_by=ShutBy.CIRCUIT)
        gate = shut.first() if call.trouble in _FAILS else None
        if gate:
            raise CircuitOpenError(f"the circuit of {gate} is open", gate_id=gate.pk) from error


@contextmanager
def _no_harm_done() -> Iterator[None]:
    """Go on without the gate if the database is away: the answer, or the error, of the call matters more."""
    try:
        yield
    except DatabaseError:
        log.exception("a gate could not be written")


def trouble_of(error: BaseException) -> str:
    """As what a failed call is counted; empty if the request itself was at fault."""
    return classification_of(error).trouble or ""


def _is_burst(model: str) -> bool:
    """Look at the calls of the last seconds, the present one not among them: it is not written yet."""
    since = first_id_at(clock.now() - timedelta(seconds=BURST_S))
    ended = ModelCall.objects.filter(pk__gte=since, model=model).exclude(status=ModelCallStatus.STARTED)
    failed = ended.filter(trouble__in=_FAILS).count() + 1
    return failed >= BURST and 2 * failed >= ended.count() + 1


def _is_unanswered(model: str) -> bool:
    """Say whether the last calls, over more than a burst's time, have all failed: a quiet day has no bursts."""
    now = clock.now()
    since, burst = (first_id_at(now - timedelta(seconds=ago_s)) for ago_s in (IN_A_ROW_S, BURST_S))
    ended = ModelCall.objects.filter(pk__gte=since, model=model).exclude(status=ModelCallStatus.STARTED)
    last = list(ended.order_by("-pk").values_list("pk", "trouble")[: BURST - 1])
    return len(last) == BURST - 1 and last[-1][0] < burst and all(trouble for _, trouble in last)


def _shut(call: ModelCall, by: ShutBy, pause_s: float | None, error: BaseException) -> None:
    """Shut it, or shut it for longer. Without a pause it is doubled each time, up to `circuit_pause_max_s`."""
    with transaction.atomic():
        gate, _ = Gate.objects.select_for_update().get_or_create(provider=PROVIDER, model=call.model)
        is_probe = (gate.probe, gate.probe_fence) == (call.run_id, call.fence)
        # A provider that answers 429 works: shuts of the other kind do not count.
        times_shut = gate.times_shut if gate.shut_by == by else 0
        if not gate.is_shut or is_probe:
            times_shut, gate.probe = times_shut + 1, None
        if pause_s is None:
            pause_s = _circuit_pause_s(times_shut)
        now = clock.now()
        if not gate.is_shut:
            gate.shut_at = now  # calls that were in flight then fail later, and probes too
        until = now + timedelta(seconds=pause_s)
        if gate.shut_until is None or until > gate.shut_until:
            gate.shut_by, gate.shut_until, gate.times_shut = by, until, max(1, times_shut)
            gate.reason = storable_text(f"{type(error).__name__}: {error}", 250)
        gate.save()


def _circuit_pause_s(times_shut: int) -> float:
    doublings = min(max(0, times_shut - 1), _DOUBLINGS)
    return min(conf().circuit_pause_s * 2.0**doublings, conf().circuit_pause_max_s)
