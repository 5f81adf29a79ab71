"""The rows of paces as the engine reads them: at most once a second in each process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.pacing.bucket import IDLE_S, Limits
from runs.models import EVERY_MODEL, PROVIDER, CircuitBreaker, Pace, PaceKeeper, Run
from runs.states import RunStatus
from runs.ttl_cache import TTLCache


@dataclass(frozen=True, slots=True)
class Terms:
    """One pace: who it is, for which models, and what it allows."""

    pk: int
    name: str
    model_class: str
    limits: Limits

    def holds_for(self, model: str) -> bool:
        """Say whether calls of this model count."""
        return self.model_class == EVERY_MODEL or model.startswith(self.model_class)


@dataclass(frozen=True, slots=True)
class Known:
    """What was read a moment ago. `crowded` are the models for whose pace runs wait already."""

    paces: tuple[Terms, ...] = ()
    epoch: int = 0
    takes_over: bool = False  # the epoch has just begun: whose pace is asked for now was kept by the other keeper
    may_look: bool = False  # the database has kept the paces for a while: somebody may look whether Redis is back
    crowded: frozenset[str] = frozenset()


def paces_for(model: str) -> Sequence[Terms]:
    """List all paces that a call of this model must keep."""
    return [pace for pace in known().paces if pace.holds_for(model)]


def waiting_for_pace() -> QuerySet[CircuitBreaker]:
    """The models, as gates, for whose pace runs wait."""
    # Said as the index of the held runs says it, so that not every run is looked at.
    waiting = Run.objects.filter(held_by=OuterRef("pk"), status=RunStatus.QUEUED, pace_need__isnull=False)
    return CircuitBreaker.objects.filter(Exists(waiting))


def _read() -> Known:
    rows = Pace.objects.filter(provider=PROVIDER, workspace__in={"", conf().provider_workspace})
    paces = tuple(
        Terms(
            pk=row.pk,
            name=str(row),
            model_class=row.model_class,
            limits=Limits(
                (row.requests_per_minute, row.input_tokens_per_minute, row.output_tokens_per_minute), row.ramp_s
            ),
        )
        for row in rows.order_by("pk")  # one order for all locks
    )
    if not paces:
        return Known()
    keeper, _ = PaceKeeper.objects.get_or_create(pk=1)
    now = clock.now()
    is_over = keeper.database_until is not None and keeper.database_until <= now
    has_just_begun = keeper.changed_at is not None and keeper.changed_at > now - timedelta(seconds=IDLE_S)
    crowded = frozenset(waiting_for_pace().values_list("model", flat=True))
    return Known(paces, keeper.epoch, takes_over=has_just_begun, may_look=is_over, crowded=crowded)


known = TTLCache("the paces", _read)
forget_paces = known.clear
