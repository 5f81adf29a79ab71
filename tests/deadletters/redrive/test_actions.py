"""Start, pause, resume, abort: each once, by somebody who may, and written down."""

import pytest

from deadletters.errors import RedriveStateError
from deadletters.redrive.actions import FROM, abort, pause, resume, start
from runs.errors import NotPermittedError
from tests.at_once import at_once
from tests.deadletters.redrive.letters import assert_counts_fit, fresh, make_letters, plan_for
from tests.runs.admin.rows import make_tenant, make_user

pytestmark = pytest.mark.django_db

VERBS = {"start": start, "pause": pause, "resume": resume, "abort": abort}
STATUSES = ("planned", "running", "paused", "stopped", "aborted", "completed")
TO = {"start": "running", "pause": "paused", "resume": "running", "abort": "aborted"}


@pytest.fixture
def planned(tenant, olga):
    make_letters(3, tenant, olga)
    return plan_for(olga)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_fits_or_is_refused_with_who_and_when(planned, olga, verb, status):
    type(planned).objects.update(status=status)

    if status in FROM[verb]:
        VERBS[verb](planned, user=olga)
        assert planned.status == TO[verb]
        return
    with pytest.raises(RedriveStateError, match=f"already {status}, by olga at 20.* UTC"):
        VERBS[verb](planned, user=olga)
    assert fresh(planned).status == status


def test_every_move_is_written_down(planned, olga, tenant):
    paul = make_user("paul", tenant=tenant)
    start(planned, user=olga)
    pause(planned, user=paul, note="the provider is down")
    resume(planned, user=olga)
    abort(planned, user=paul, note="enough")

    assert list(planned.events.values_list("actor", "verb", "note")) == [
        ("olga", "plan", ""),
        ("olga", "start", ""),
        ("paul", "pause", "the provider is down"),
        ("olga", "resume", ""),
        ("paul", "abort", "enough"),
    ]
    assert (planned.changed_by, planned.reason, planned.planned_by) == (paul, "enough", olga)
    assert planned.started_at <= planned.ended_at == planned.changed_at


def test_aborting_lets_go_of_what_was_not_sent(planned, olga):
    abort(planned, user=olga)

    assert (planned.pending, planned.skipped) == (0, 3)
    assert_counts_fit(planned)


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_not_replay_in_the_tenant_may_do_nothing(planned, tenant, verb):
    type(planned).objects.update(status=FROM[verb][0])
    viewer = make_user("rita", tenant=tenant, role="viewer")
    stranger = make_user("zoe", tenant=make_tenant("globex"))

    for user in (viewer, stranger):
        with pytest.raises(NotPermittedError):
            VERBS[verb](planned, user=user)
    assert planned.events.count() == 1


def test_one_over_several_tenants_is_its_planners_or_a_superusers(planned, olga, tenant, django_user_model):
    type(planned).objects.update(tenant="")
    planned.refresh_from_db()

    with pytest.raises(NotPermittedError):
        start(planned, user=make_user("paul", tenant=tenant))
    start(planned, user=olga)
    pause(planned, user=django_user_model.objects.create_superuser("root"))


@pytest.mark.django_db(transaction=True)
def test_of_many_who_start_it_at_once_one_does(planned, olga):
    answers = at_once(6, lambda _: start(fresh(planned), user=olga))

    assert answers.count(None) == 1
    assert sum(isinstance(answer, RedriveStateError) for answer in answers) == 5
    assert planned.events.filter(verb="start").count() == 1
