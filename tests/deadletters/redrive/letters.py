"""Letters for the tests of redrives, and the ends of the runs behind them, without a worker."""

from datetime import UTC, datetime, timedelta
from functools import partial

from django.utils import timezone

from deadletters.models import DeadLetter, Redrive
from deadletters.redrive.advance import advance
from deadletters.redrive.options import RedriveOptions, Selection
from deadletters.redrive.plan import plan
from runs.models import Run
from tests.runs.admin.rows import make_failed, make_letter, make_run, make_step

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
CAUSE = "v1-0123456789abcdef01234567"  # of the letters that `make_failed` makes


def after(seconds):
    return BEGIN + timedelta(seconds=seconds)


def make_letters(count, tenant, user, **columns):
    letters = [make_failed(tenant, user) for _ in range(count)]
    if columns:
        DeadLetter.objects.filter(pk__in=[letter.pk for letter in letters]).update(**columns)
    return letters


def make_uncertain(tenant, user):
    """A letter of a run in which an effect may have happened."""
    run = make_run(tenant, user, "failed")
    make_step(run, "tool_call", "unknown", effect="unsafe", effect_key=str(run.pk))
    return make_letter(run)


def plan_for(user, *, selection=None, letters=None, **options):
    letters = DeadLetter.objects.all() if letters is None else letters
    return plan(letters, selection or Selection(), user=user, options=RedriveOptions(**options))


def step(redrive, seconds):
    """Take one step, so long after the begin; return the redrive as it is then."""
    advance(redrive.pk, partial(after, seconds))
    return fresh(redrive)


def fresh(redrive):
    return Redrive.objects.get(pk=redrive.pk)


def end_runs(redrive, status="completed", count=None):
    """Let runs that were replayed, and have not ended, end so."""
    sent = redrive.items.filter(state="sent").order_by("place").values_list("run_id", flat=True)
    open_runs = Run.objects.filter(pk__in=list(sent), status="queued").order_by("created_at", "pk")
    pks = list(open_runs.values_list("pk", flat=True)[:count])
    return Run.objects.filter(pk__in=pks).update(status=status, finished_at=timezone.now())


def reasons(redrive, state):
    return sorted(redrive.items.filter(state=state).values_list("reason", flat=True))


def assert_counts_fit(redrive):
    """Hold the counts of the row against its items."""
    redrive = fresh(redrive)
    states = list(redrive.items.values_list("state", flat=True))
    for state in ("excluded", "pending", "skipped", "completed", "failed", "cancelled"):
        assert getattr(redrive, state) == states.count(state), state
    assert redrive.in_flight == states.count("sent")
    assert redrive.total == len(states)
