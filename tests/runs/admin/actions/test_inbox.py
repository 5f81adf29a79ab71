"""The list: whose turn it is, what it shows, and what it costs."""

import pytest
from django.utils import timezone

from runs.models import ApprovalPolicy, PendingAction
from runs.operations.actions.inbox import waiting_for
from runs.operations.permissions import check_may_approve, check_may_decide
from tests.runs.admin.actions.pages import LIST, text_of
from tests.runs.admin.approval_rows import agree
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import make_user, make_waiting

pytestmark = pytest.mark.django_db
KINDS = ("approval", "question", "outcome", "budget")


@pytest.fixture
def anna(tenant):
    return make_user("anna", tenant=tenant, role="approver", perms=OPERATOR)


def mine(user):
    return set(waiting_for(PendingAction.objects.all(), user))


def test_mine_is_what_i_was_asked_for_and_what_nobody_was_asked_for(anna, tenant, other_tenant):
    ben = make_user("ben", tenant=tenant)
    asked, nobodys = make_waiting(tenant, assignee=anna), make_waiting(tenant)
    make_waiting(tenant, assignee=ben), make_waiting(other_tenant)
    make_waiting(tenant, status="approved", decided_at=timezone.now())

    assert mine(anna) == {asked, nobodys}
    listed = signed_in(anna).get(LIST, {"inbox": "mine"}).context["cl"].result_list
    assert set(listed) == {asked, nobodys}


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_was_asked_for_who_may_decide_no_more_is_everybodys_and_not_theirs(anna, root, tenant, kind):
    gone, ben = make_user("gone"), make_user("ben", tenant=tenant, role="viewer")
    off = make_user("off", tenant=tenant, role="admin")
    off.is_active = False
    off.save()
    left = {make_waiting(tenant, kind, assignee=somebody) for somebody in (gone, ben, off)}
    make_waiting(tenant, kind, assignee=make_user("chef", tenant=tenant, role="admin"))
    make_waiting(tenant, kind, assignee=root)

    assert mine(anna) == left and mine(ben) == set() == mine(gone)


def test_once_only_an_admin_decides_what_an_approver_was_asked_for_is_the_admins(anna, root, tenant):
    chef = make_user("chef", tenant=tenant, role="admin")
    action = make_waiting(tenant, assignee=anna)
    assert (mine(anna), mine(chef), mine(root)) == ({action}, set(), set())

    ApprovalPolicy.objects.create(role="admin")

    assert (mine(anna), mine(chef), mine(root)) == (set(), {action}, {action})


def test_what_i_have_agreed_to_is_not_mine_any_more_until_it_is_edited(anna, tenant):
    action = make_waiting(tenant, approvals_needed=2)
    vote = agree(action, anna)
    assert mine(anna) == set()

    vote.bound_hash = "0" * 64
    vote.save()
    assert mine(anna) == {action}


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "admin"])
@pytest.mark.parametrize(
    "policies",
    [
        [],
        [{"role": "admin"}],
        [{"role": "admin"}, {"tool": "console_refund", "role": "approver"}],
        [{"tool": "console_refund", "from_usd": 500, "role": "admin"}, {"tool": "console_refund"}],
        [{"tool": "console_refund", "role": "admin"}, {"own": True, "role": "approver"}],
        [{"risk": "high", "role": "admin"}, {"risk": "low", "self_approval": "always"}],
        [{"self_approval": "always"}],
    ],
)
def test_mine_holds_what_i_may_approve_answer_or_decide_and_nothing_else(tenant, other_tenant, role, policies):
    me = make_user("me", tenant=tenant, role=role)
    for columns in policies:
        own = tenant if columns.pop("own", False) else None
        ApprovalPolicy.objects.create(tenant=own, **columns)
    for amount in (5.0, 910.5, 1500.0):
        make_waiting(tenant, amount=amount), make_waiting(tenant, amount=amount, escalated_at=timezone.now())
        make_waiting(tenant, amount=amount, requested_by=me)
    for kind in KINDS[1:]:
        make_waiting(tenant, kind), make_waiting(tenant, kind, requested_by=me)
        make_waiting(tenant, kind, escalated_at=timezone.now()), make_waiting(other_tenant, kind)

    assert mine(me) == {action for action in PendingAction.objects.all() if may(action, me)}


def test_who_has_left_the_tenant_is_not_shown_the_questions_of_their_own_runs(tenant):
    gone, here = make_user("gone"), make_user("here", tenant=tenant, role="viewer")
    theirs, question = (
        make_waiting(tenant, "question", requested_by=gone),
        make_waiting(tenant, "question", requested_by=here),
    )

    assert not may(theirs, gone) and mine(gone) == set()
    assert may(question, here) and mine(here) == {question}


def may(action, user):
    try:
        check_may_decide(action, user)
        if action.kind == "approval":
            check_may_approve(action, user)
    except Exception:
        return False
    return True


def test_it_shows_risk_amount_votes_and_assignee(operator_client, tenant, anna):
    action = make_waiting(tenant, amount=1500.0, approvals_needed=2, assignee=anna)
    agree(action, anna)
    agree(action, make_user("ben", tenant=tenant), bound_hash="0" * 64)
    make_waiting(tenant, "question", escalated_at=timezone.now())

    page = text_of(operator_client, LIST)

    for shown in ("high", "$1,500.00", "1 of 2", "anna", "the admins", "in 6 d 23 h"):
        assert shown in page


def test_it_is_filtered_by_kind_tool_risk_and_tenant(operator_client, tenant):
    low, high = make_waiting(tenant, amount=5.0), make_waiting(tenant, amount=1500.0)
    make_waiting(tenant, "question")

    def found(**query):
        return list(operator_client.get(LIST, query).context["cl"].result_list)

    assert found(risk__exact="low") == [low] and found(risk__exact="high", kind__exact="approval") == [high]
    assert found(tool="console_refund", tenant__id__exact=str(tenant.pk)) == [low, high]


@pytest.mark.parametrize("tab", ["", "mine", "decided", "all"])
def test_it_asks_a_fixed_number_of_queries(operator_client, tenant, anna, django_assert_num_queries, tab):
    for _ in range(12):
        agree(make_waiting(tenant, approvals_needed=2, assignee=anna), anna)
    operator_client.get(LIST)

    # session, user, permissions (2), count twice, actions, tenants, tools, approvals
    with django_assert_num_queries(9 if tab in ("decided", "mine") else 10):
        operator_client.get(LIST, {"inbox": tab} if tab else {})


def test_the_status_is_shown_where_rows_differ_in_it(operator_client, tenant):
    make_waiting(tenant), make_waiting(tenant, status="approved", decided_at=timezone.now())

    shown = {tab: operator_client.get(LIST, {"inbox": tab} if tab else {}) for tab in ("", "mine", "decided", "all")}

    assert [tab for tab, page in shown.items() if "state" in page.context["cl"].list_display] == ["decided", "all"]
