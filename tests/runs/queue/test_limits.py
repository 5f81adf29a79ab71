"""Limits and pauses hold back what they are about, nothing else, and say so; no slot leaks, no cap is exceeded."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs import clock
from runs.engine.limits.rules import forget_rules
from runs.models import Limit, Pause, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.limits import change_limit, set_limit
from runs.operations.pauses import end_pause, pause
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.queue.claim import claim_next
from tests.at_once import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return get_user_model().objects.create_superuser("root", password="pw")


def claim(*queues):
    claimed = claim_next(queues or ["agents"], worker_id=uuid4(), worker_name="w")
    return claimed and claimed[0]


def claim_all(*queues):
    found = []
    while run := claim(*queues):
        found.append(run)
    return found


def post_for(slug, job_type="clerk", **more):
    tenant = make_tenant(slug)
    request = RunRequest(job_type=job_type, input=more.pop("input", {"text": "x"}), **more)
    return post_run(request, tenant=tenant, user=make_member(tenant, None), origin="test")[0]


def codes(run):
    run.refresh_from_db()
    return [reason.code for reason in why(run) if reason.code != "no_worker"]


def end(run):
    """The run ends, however."""
    from runs.models.moves import transition
    from runs.states import RunStatus

    transition(run, to=RunStatus.COMPLETED)


def test_a_limit_of_everything_holds_for_all_together(root):
    runs = [post_for("a"), post_for("b"), post_for("a", "squares", input={"upto": 1})]
    set_limit(Limit(most=2), user=root)

    assert len(claim_all("agents", "batch")) == 2
    waiting = Run.objects.get(status="queued")
    assert codes(waiting) == ["limit"] and "2 of 2 at once: everything" in why(waiting)[0].message
    end(Run.objects.filter(status="running").first())
    assert claim("agents", "batch").pk == waiting.pk and len(runs) == 3


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ({"queue": "agents"}, {"a clerk", "a single", "b clerk"}),
        ({"job_type": "clerk"}, {"a clerk", "b clerk"}),
        ({"tenant": "a"}, {"a clerk", "a single", "a squares"}),
        ({"tenant": "a", "job_type": "clerk"}, {"a clerk"}),
        ({"queue": "batch"}, {"a squares"}),
        ({"model": "claude-sonnet-5-5"}, {"a clerk", "a single", "b clerk"}),
    ],
)
@pytest.mark.parametrize("by", ["limit", "pause"])
def test_what_is_held_back_is_the_scope_and_nothing_else(root, scope, held, by):
    runs = {
        "a clerk": post_for("a"),
        "a single": post_for("a", "single"),
        "b clerk": post_for("b"),
        "a squares": post_for("a", "squares", input={"upto": 1}),
    }
    scope |= {"tenant": make_tenant("a")} if "tenant" in scope else {}
    if by == "limit":
        set_limit(Limit(most=0, **scope), user=root)
    else:
        pause(Pause(reason="moving house", **scope), user=root)

    claimed = {run.pk for run in claim_all("agents", "batch")}

    assert {name for name, run in runs.items() if run.pk not in claimed} == held
    code = {"limit": "limit", "pause": "paused"}[by]
    assert all(codes(runs[name]) == [code] for name in held)


def test_each_tenants_share_of_a_queue(root):
    for slug in ("a", "a", "a", "b"):
        post_for(slug)
    set_limit(Limit(queue="agents", most=2, each_tenant=True), user=root)

    claimed = claim_all()

    assert sorted(run.tenant.slug for run in claimed) == ["a", "a", "b"]
    assert codes(Run.objects.get(status="queued")) == ["limit"]


def test_all_that_apply_must_admit(root):
    for slug in ("a", "a", "b", "b"):
        post_for(slug)
    set_limit(Limit(queue="agents", most=3), user=root)
    set_limit(Limit(tenant=make_tenant("a"), most=1), user=root)

    claimed = claim_all()

    assert sorted(run.tenant.slug for run in claimed) == ["a", "b", "b"]
    assert codes(Run.objects.get(status="queued")) == ["limit", "limit"]


def test_a_limit_stands_in_for_what_the_job_type_declares(root):
    for slug in ("a", "a", "b", "b"):
        post_for(slug, "single")
    limit = set_limit(Limit(job_type="single", tenant=make_tenant("a"), most=2), user=root)

    assert sorted(run.tenant.slug for run in claim_all()) == ["a", "a", "b"]
    change_limit(limit, user=root, is_active=False)
    assert claim() is None


def test_a_limit_that_names_a_model_stands_in_for_nothing(root):
    for _ in range(2):
        post_for("a", "single")
    # As it was set before a deploy that gave the job type another model.
    Limit.objects.create(job_type="single", model="claude-imaginary-9", each_tenant=True, most=5)
    forget_rules()

    assert len(claim_all()) == 1
    assert codes(Run.objects.get(status="queued")) == ["limit"]


def test_a_rate_counts_starts_within_its_window_and_says_until_when(root):
    for _ in range(4):
        post_for("a")
    set_limit(Limit(queue="agents", kind="rate", most=2, per_s=60), user=root)

    first = claim_all()
    waiting = Run.objects.filter(status="queued").first()
    (reason,) = [reason for reason in why(waiting) if reason.code == "rate"]
    clock.advance(61)
    forget_rules()

    assert len(first) == 2 and "2 starts in 60 s" in reason.message
    oldest = min(run.started_at for run in first)
    assert abs(reason.until - oldest - timedelta(seconds=60)) < timedelta(seconds=0.1)
    assert len(claim_all()) == 2


def test_a_pause_ends_by_itself_or_by_hand_and_tells_by_whom(root):
    run = post_for("a")
    paused = pause(Pause(queue="agents", reason="deploy", until=clock.now() + timedelta(minutes=5)), user=root)

    assert claim() is None
    (reason,) = [r for r in why(run) if r.code == "paused"]
    assert "root: deploy" in reason.message and reason.until == paused.until
    clock.advance(301)
    assert claim().pk == run.pk

    other = post_for("a")
    again = pause(Pause(queue="agents", reason="again"), user=root)
    assert claim() is None
    assert end_pause(again, user=root).ended_by == root
    assert claim().pk == other.pk


def test_running_work_goes_on_while_its_queue_is_paused(root):
    run = post_for("a")
    running = claim()
    pause(Pause(queue="agents", reason="r"), user=root)

    end(running)

    run.refresh_from_db()
    assert run.status == "completed"


def test_an_edit_holds_within_a_second(root):
    limit = set_limit(Limit(queue="agents", most=0), user=root)
    run = post_for("a")
    assert claim() is None

    Limit.objects.filter(pk=limit.pk).update(most=1)  # by another process
    assert claim() is None, "this process has read it just now"
    clock.advance(1.01)

    assert claim().pk == run.pk


@pytest.mark.django_db(transaction=True)
def test_many_claimers_never_exceed_a_limit_of_several_lines(root):
    for number in range(12):
        post_for(f"t{number % 4}")
    set_limit(Limit(queue="agents", most=5), user=root)
    set_limit(Limit(queue="agents", most=2, each_tenant=True), user=root)

    at_once(16, lambda _: claim())

    running = Run.objects.filter(status="running")
    assert running.count() <= 5
    assert max(running.filter(tenant__slug=f"t{n}").count() for n in range(4)) <= 2
    claim_all()
    assert running.count() == 5


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    limits=st.lists(
        st.tuples(
            st.sampled_from(["", "agents"]),
            st.sampled_from(["", "clerk", "single"]),
            st.sampled_from(["", "each", "a"]),
            st.integers(0, 4),
        ),
        max_size=4,
    ),
    posts=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["clerk", "single"])), min_size=1, max_size=10),
)
@pytest.mark.django_db
def test_random_limits_are_never_exceeded_and_never_hold_back_for_nothing(root, limits, posts):
    Run.objects.all().delete(), Limit.objects.all().delete(), forget_rules()
    for slug, job_type in posts:
        post_for(slug, job_type)
    made = [
        Limit.objects.create(
            queue=queue,
            job_type=job_type,
            each_tenant=whose == "each",
            tenant=make_tenant("a") if whose == "a" else None,
            most=most,
        )
        for queue, job_type, whose, most in limits
    ]
    forget_rules()

    claim_all()

    running = Run.objects.filter(status="running").select_related("tenant")
    for limit in made:
        counted = [r for r in running if limit.job_type in ("", r.job_type) and limit.tenant in (None, r.tenant)]
        groups = [[r for r in counted if r.tenant.slug == s] for s in "ab"] if limit.each_tenant else [counted]
        assert all(len(group) <= limit.most for group in groups)
    for run in Run.objects.filter(status="queued"):
        assert codes(run), "what waits says why"
