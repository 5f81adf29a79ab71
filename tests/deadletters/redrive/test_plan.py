"""Planning: what would be sent, what not and why; nothing happens until somebody starts it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from deadletters.errors import NoDeadLettersError
from deadletters.models import DeadLetter, Redrive
from deadletters.redrive import plan as planning
from deadletters.redrive.actions import abort
from deadletters.redrive.options import Selection
from runs.models import Run
from runs.operations.preview_replay import ReplayPreview, preview_replay
from tests.at_once import at_once
from tests.deadletters.redrive.letters import (
    CAUSE,
    assert_counts_fit,
    fresh,
    make_letters,
    make_uncertain,
    plan_for,
    reasons,
)
from tests.runs.admin.rows import make_tenant, make_user

pytestmark = pytest.mark.django_db


def test_a_plan_sends_nothing(thirty, olga):
    redrive = plan_for(olga)

    assert (redrive.status, redrive.total, redrive.pending, redrive.needs_steps) == ("planned", 30, 30, False)
    assert (redrive.tenant, redrive.planned_by, redrive.started_at) == ("acme", olga, None)
    assert set(DeadLetter.objects.values_list("status", flat=True)) == {"open"}
    assert set(Run.objects.values_list("status", flat=True)) == {"failed"}


def test_each_excluded_letter_says_why(tenant, olga):
    plain, closed, gone, resumed = make_letters(4, tenant, olga)
    uncertain = make_uncertain(tenant, olga)
    foreign = make_letters(1, make_tenant("globex"), olga)[0]
    DeadLetter.objects.filter(pk=closed.pk).update(status="discarded")
    DeadLetter.objects.filter(pk=gone.pk).update(run_id=closed.pk)
    Run.objects.filter(pk=resumed.run_id).update(status="completed")
    everything = tuple(letter.pk for letter in (plain, closed, gone, resumed, uncertain, foreign))

    redrive = plan_for(olga, selection=Selection(ids=everything))

    assert reasons(redrive, "excluded") == [
        "effects may have happened: a person must look first",
        "only a failed run goes on; it is completed",
        "the letter is already discarded",
        "the run is gone",
        "you may not replay runs of its tenant",
    ]
    assert [item.letter for item in redrive.items.filter(state="pending")] == [plain]
    assert_counts_fit(redrive)


def test_closed_letters_are_not_even_mentioned_unless_they_were_named(thirty, olga):
    DeadLetter.objects.filter(pk=thirty[0].pk).update(status="replayed")

    assert plan_for(olga, selection=Selection(fingerprint=CAUSE)).total == 29


def test_the_selection_chooses_by_every_field_and_is_kept(tenant, olga):
    old, new, other = make_letters(3, tenant, olga)
    now = timezone.now()
    DeadLetter.objects.filter(pk=old.pk).update(failed_at=now - timedelta(hours=2))
    DeadLetter.objects.filter(pk=other.pk).update(fingerprint="v1-x", error_class="KeyError", job_type="squares")

    def chosen(**fields):
        letters = Selection(**fields).of(DeadLetter.objects.all())
        return [letter.pk for letter in letters]

    assert chosen() == [old.pk, new.pk, other.pk]
    assert chosen(fingerprint="v1-x") == chosen(error_class="KeyError") == chosen(job_type="squares") == [other.pk]
    assert chosen(failed_before=now - timedelta(hours=1)) == [old.pk]
    assert chosen(failed_after=now - timedelta(hours=1), fingerprint=CAUSE) == [new.pk]
    assert chosen(tenant="acme", ids=(new.pk,)) == [new.pk] and not chosen(tenant="globex")
    kept = plan_for(olga, selection=Selection(ids=(new.pk,), failed_before=now + timedelta(days=1))).selection
    assert json.loads(kept) == {"chosen": 1, "failed_before": (now + timedelta(days=1)).isoformat()}


def test_the_cost_is_the_sum_of_what_is_sent(tenant, olga, monkeypatch):
    make_letters(3, tenant, olga)
    make_uncertain(tenant, olga)

    def priced(run_id, **options):
        found = preview_replay(run_id, **options)
        return ReplayPreview(
            reused=found.reused,
            runs_again=found.runs_again,
            effects_done=[],
            effects_unknown=found.effects_unknown,
            estimated_cost_usd=Decimal("0.25"),
        )

    monkeypatch.setattr(planning, "preview_replay", priced)

    assert plan_for(olga).estimated_cost_usd == Decimal("0.75")


def test_no_match_is_refused(tenant, olga):
    with pytest.raises(NoDeadLettersError):
        plan_for(olga, selection=Selection(fingerprint="v1-none"))
    assert not Redrive.objects.exists()


def test_more_letters_than_one_redrive_takes_are_counted_and_left(thirty, olga, monkeypatch):
    monkeypatch.setattr(planning, "LETTERS_MAX", 20)

    redrive = plan_for(olga)

    assert (redrive.total, redrive.left_out) == (20, 10)
    assert list(redrive.items.values_list("letter_id", flat=True)) == [letter.pk for letter in thirty[:20]]


def test_a_letter_waits_in_one_redrive_only_until_that_is_over(thirty, olga):
    first = plan_for(olga, selection=Selection(ids=(thirty[0].pk,)))

    second = plan_for(olga)

    assert (second.excluded, second.pending) == (1, 29)
    assert reasons(second, "excluded") == ["another redrive is to send it"]
    abort(first, user=olga)
    assert plan_for(olga, selection=Selection(ids=(thirty[0].pk,))).pending == 1


def test_a_plan_that_nobody_starts_for_a_day_lets_go(thirty, olga):
    forgotten = plan_for(olga)
    Redrive.objects.update(planned_at=timezone.now() - timedelta(hours=25))

    assert plan_for(olga).pending == 30
    forgotten = fresh(forgotten)
    assert (forgotten.status, forgotten.reason) == ("aborted", "nobody started it within a day")
    assert forgotten.events.last().verb == "aborted"
    assert_counts_fit(forgotten)


def test_a_viewer_can_plan_nothing(thirty, tenant):
    rita = make_user("rita", tenant=tenant, role="viewer")

    redrive = plan_for(rita)

    assert (redrive.pending, redrive.excluded) == (0, 30)


def test_a_redrive_over_several_tenants_has_no_tenant(thirty, django_user_model):
    root = django_user_model.objects.create_superuser("root")
    make_letters(2, make_tenant("globex"), root)

    redrive = plan_for(root)

    assert (redrive.tenant, redrive.pending) == ("", 32)


@pytest.mark.django_db(transaction=True)
def test_of_plans_made_at_once_each_letter_is_in_one(tenant, olga):
    make_letters(10, tenant, olga)

    plans = at_once(4, lambda _: plan_for(olga))

    assert all(isinstance(one, Redrive) for one in plans), plans
    assert sorted(one.pending for one in plans) == [0, 0, 0, 10]
    for one in plans:
        assert_counts_fit(one)
