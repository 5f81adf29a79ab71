"""A model call's turn: taken from its paces before the call, settled by what the call has really used.

A wait of two seconds at most is waited for here, the only wait that a worker does. For longer ones the run gives its
slot back (`PacedError`), and the reconciler lets it go on when its turn has come (`maintenance/wake_paced.py`).
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import anthropic
from django.db import DatabaseError

from runs import clock
from runs.engine.classifier import may_have_spent
from runs.engine.journal import Journal, release_connection
from runs.engine.pacing import change_over
from runs.engine.pacing.headers import heard, limits_in
from runs.engine.pacing.keeper import Heard, Verdict
from runs.engine.pacing.need import Need
from runs.engine.pacing.rows import Terms, known, paces_for
from runs.engine.provider import Answer, Progress
from runs.engine.tariff import used_by
from runs.errors import PacedError
from runs.models import EVERY_MODEL

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
_POLL_S = 0.1
_WORDS = ("requests", "input tokens", "output tokens")


@dataclass(slots=True)
class Turn:
    """One call's turn. Whoever makes the call says that it was sent, and what was answered."""

    paces: Sequence[Terms] = ()
    need: Need = field(default_factory=lambda: Need(0, 0))
    epoch: int = 0
    progress: Progress = field(default_factory=Progress)
    sent: bool = False
    answer: Answer | None = None


@contextmanager
def in_turn(journal: Journal, model: str, need: Need) -> Iterator[Turn]:
    """Wait for the turn of a call, and settle it at the end, however that comes.

    Raises: PacedError if the wait is too long; what `Lease.check_boundary` raises.
    """
    paces = paces_for(model)
    if not paces:
        yield Turn()
        return
    turn = Turn(paces, need)
    wait_s = _take(journal, turn, model)
    error: BaseException | None = None
    try:
        _wait(journal, wait_s)
        yield turn
    except BaseException as raised:
        error = raised
        raise
    finally:
        _settle(turn, error)


def _take(journal: Journal, turn: Turn, model: str) -> float:
    """Take what the call needs; return how long to wait before it. Raises: PacedError."""
    # Where runs wait already, one that comes anew may take what is left over, but nothing in advance.
    is_its_turn = journal.run.pace_need is not None or model not in known().crowded
    patience_s = PATIENCE_S if is_its_turn else 0.0
    verdict, turn.epoch = change_over.take(turn.paces, turn.need.three, patience_s=patience_s)
    if verdict.wait_s > patience_s:
        raise _paced(model, turn, verdict)
    if journal.run.pace_need is not None:
        journal.set(pace_need=None)
    return verdict.wait_s


def _paced(model: str, turn: Turn, verdict: Verdict) -> PacedError:
    pace = turn.paces[verdict.pace]
    allowed = pace.limits.per_minute[verdict.dimension]
    described = f"{allowed:,.0f} {_WORDS[verdict.dimension]} a minute of {pace.name}"
    need = {"input_tokens": turn.need.input_tokens, "output_tokens": turn.need.output_tokens}
    return PacedError(
        f"{described} are used up",
        need={"model": model, "pace": described, **need},
        wait_s=verdict.wait_s,
        share_s=60 * turn.need.three[verdict.dimension] / allowed if allowed else 0.0,
    )


def _wait(journal: Journal, wait_s: float) -> None:
    """Wait for less than a few seconds, holding no connection; what was done before is written first."""
    if wait_s <= 0:
        return
    ends_at = clock.monotonic() + wait_s
    journal.commit()
    release_connection()
    while (left_s := ends_at - clock.monotonic()) > 0:
        journal.lease.check_boundary()
        time.sleep(min(left_s, _POLL_S))  # two seconds at most, with an eye on the lease


def _settle(turn: Turn, error: BaseException | None) -> None:
    """Give back what was not used. That it cannot be done harms nobody: the buckets fill by themselves."""
    heeds = max(range(len(turn.paces)), key=lambda place: _narrowness(turn.paces[place]), default=None)
    try:
        change_over.settle(turn.epoch, turn.paces, _back(turn, error), heard=_heard(turn, error), heeds=heeds)
    except DatabaseError:
        log.exception("a turn could not be settled")


def _narrowness(pace: Terms) -> int:
    """Order rows by how little else they are about: the provider's headers speak of one class of models."""
    return 0 if pace.model_class == EVERY_MODEL else len(pace.model_class)


def _back(turn: Turn, error: BaseException | None) -> tuple[float, float, float]:
    """Say what was taken too much (negative: too little)."""
    requests, inputs, outputs = turn.need.three
    if not turn.sent:
        return requests, inputs, outputs
    if turn.answer is None:
        was_refused = isinstance(error, Exception) and not may_have_spent(error)
        return (0.0, inputs, outputs) if was_refused else (0.0, 0.0, 0.0)
    real = used_by(turn.answer.message)
    if real is None:
        return 0.0, 0.0, 0.0
    return 0.0, inputs - real.input_tokens - real.cache_write_tokens, outputs - real.output_tokens


def _heard(turn: Turn, error: BaseException | None) -> Heard:
    if isinstance(error, anthropic.APIStatusError) and not turn.progress.limits:
        return heard(limits_in(error.response.headers), age_s=0.0)
    age_s = clock.monotonic() - turn.progress.limits_at if turn.progress.limits else 0.0
    return heard(turn.progress.limits, age_s=age_s)
