"""Permission is checked when it is used: who left the tenant works no longer, and tools may demand a role."""

import pytest

from runs.errors import NotPermittedError
from runs.models import ModelCall, PendingAction, Role, Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.fork_run import fork_run
from runs.operations.post_run import RunRequest, post_run
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, MEANWHILE

pytestmark = pytest.mark.django_db

CLOSE = ("close_account", {"account": "7"})
DELETE = ("delete_account", {"account": "7"})


@pytest.fixture
def member(tenant):
    """Make somebody with a role in the tenant."""

    def make(role, name="mia"):
        user = make_member(tenant, name)
        user.memberships.update(role=role)
        return user

    return make


@pytest.fixture
def post_as(tenant):
    def post(user, job_type="teller", **request):
        request.setdefault("input", {"text": "hello"})
        run, _ = post_run(RunRequest(job_type=job_type, **request), tenant=tenant, user=user, origin="test")
        return run

    return post


def now(run):
    return Run.objects.get(pk=run.pk)


def offered(model, request=-1):
    return [tool["name"] for tool in model.requests[request]["body"].get("tools", [])]


def expel(user, how):
    membership = user.memberships.get()
    if how == "removed":
        membership.delete()
    else:
        membership.tenant = make_tenant("globex")
        membership.save()


# Membership


@pytest.mark.fault(54)
@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_queued_run_of_somebody_who_left_the_tenant_fails_at_its_claim(offline, post, work, requester, how):
    model = offline({"turns": [say("hi")]})
    agent, job = post("clerk"), post("squares", input={"upto": 1})
    expel(requester, how)

    work()

    for run in (now(agent), now(job)):
        assert (run.status, run.last_error["type"]) == ("failed", "PermissionDeniedError")
        assert "no longer belongs" in run.last_error["message"]
    assert model.requests == [] and not CALLS["square-1"] and not ModelCall.objects.exists()


def test_a_plain_job_does_no_further_step_once_its_user_left(post, work, requester):
    MEANWHILE["a"] = lambda: expel(requester, "removed")
    run = post("scan", input={"document": "a", "effect": "read"})

    work()

    assert (now(run).status, CALLS["read"]) == ("failed", 1)
    assert now(run).last_error["type"] == "PermissionDeniedError"


def test_a_superuser_needs_no_membership(offline, post_as, work, member):
    offline({"turns": [use(CLOSE), say("hi")]})
    root = member(Role.VIEWER, "root")
    root.is_superuser = True
    root.save()
    run = post_as(root)
    root.memberships.all().delete()

    work()

    assert now(run).status == "completed" and CALLS["close_account"] == 1


def test_a_run_that_waited_for_its_user_to_return_goes_on_after_a_retry(post, work, user, requester, tenant):
    from runs.operations.replay_run import retry_run

    run = post("squares", input={"upto": 1})
    expel(requester, "removed")
    work()
    make_member(tenant, requester.username)

    retry_run(now(run), user=user)
    work()

    assert now(run).status == "completed"


# Roles


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_a_tool_for_operators_is_offered_to_and_called_for_them_and_admins(offline, post_as, work, member, role):
    model = offline({"turns": [use(CLOSE), say("closed")]})
    run = post_as(member(role))

    work()

    assert offered(model) == ["look_up", "close_account", "delete_account"]
    assert now(run).status == "completed" and CALLS["close_account"] == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_it_is_neither_offered_to_nor_called_for_others(offline, post_as, work, member, role):
    model = offline({"turns": [use(CLOSE, DELETE), say("sorry")]})
    run = post_as(member(role))

    work()

    assert offered(model, 0) == offered(model) == ["look_up"]
    assert now(run).status == "completed" and not CALLS
    assert [s.error["type"] for s in run.steps.filter(kind="tool_call")] == ["unknown_tool"] * 2
    assert not PendingAction.objects.exists()


def test_who_loses_the_role_loses_the_tool_at_its_next_call_and_the_request_stays_the_same(
    offline, post_as, work, member, monkeypatch
):
    model = offline({"turns": [use(CLOSE), use(CLOSE, DELETE), say("sorry")]})
    mia = member(Role.OPERATOR)
    run = post_as(mia)
    from tests.testapp import agents

    real = agents._count
    monkeypatch.setattr(agents, "_count", lambda name: (real(name), mia.memberships.update(role=Role.VIEWER)))

    work()

    assert now(run).status == "completed" and CALLS == {"close_account": 1}
    assert [s.status for s in run.steps.filter(kind="tool_call")] == ["completed", "failed", "failed"]
    assert run.steps.filter(error__contains="permission_denied").count() == 2
    assert "operator" in str(run.steps.filter(status="failed").first().result["text"])
    assert not PendingAction.objects.exists()
    assert model.requests[0]["body"]["tools"] == model.requests[-1]["body"]["tools"]


def test_an_approval_does_not_stand_in_for_the_role(offline, post_as, work, member):
    from runs.operations.actions.approve import approve

    offline({"turns": [use(DELETE), say("sorry")]})
    mia, boss = member(Role.OPERATOR), member(Role.ADMIN, "boss")
    run = post_as(mia)
    work()
    mia.memberships.update(role=Role.VIEWER)

    approve(PendingAction.objects.get(run=run), user=boss)
    work()

    assert now(run).status == "completed" and not CALLS


def test_a_role_lost_between_the_look_and_the_intent_is_noticed_by_the_intent(
    offline, post_as, work, member, monkeypatch
):
    from runs.engine import tool_calls

    offline({"turns": [use(CLOSE), say("sorry")]})
    mia = member(Role.OPERATOR)
    run = post_as(mia)
    real = tool_calls.place_for

    def place_for(*args):
        mia.memberships.update(role=Role.VIEWER)
        return real(*args)

    monkeypatch.setattr(tool_calls, "place_for", place_for)
    work()

    assert now(run).status == "completed" and not CALLS
    assert run.steps.get(kind="tool_call").attempt == 0


def test_who_continues_or_forks_a_run_is_offered_no_more_than_a_run_of_their_own(offline, post_as, work, member):
    model = offline({"turns": [use(CLOSE), say("closed")]})
    former = post_as(member(Role.OPERATOR))
    work()
    vera = member(Role.VIEWER, "vera")

    model.requests.clear()
    continued = post_as(vera, continues=former.pk)
    work()

    assert offered(model) == ["look_up"] and now(continued).status == "completed"
    assert now(former).definition != now(continued).definition
    again = post_as(member(Role.OPERATOR), continues=former.pk)
    assert again.definition_id == now(former).definition_id
    assert (
        fork_run(now(continued), user=member(Role.ADMIN, "boss"), from_step=1).definition == now(continued).definition
    )


def test_a_conversation_whose_every_tool_needs_the_role_is_not_continued_without_it(offline, post_as, work, member):
    offline({"turns": [use(CLOSE), say("closed")]})
    former = post_as(member(Role.OPERATOR), "closer")
    work()

    with pytest.raises(NotPermittedError, match="role"):
        post_as(member(Role.VIEWER, "vera"), "closer", continues=former.pk)


def test_an_agent_of_which_nothing_is_left_still_talks(offline, post_as, work, member):
    model = offline({"turns": [say("I can do nothing.")]})
    run = post_as(member(Role.VIEWER), "closer")

    work()

    assert now(run).status == "completed" and offered(model) == []
