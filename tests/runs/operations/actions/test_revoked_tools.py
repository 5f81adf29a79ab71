"""Revoked tools: not called from the next call on, whoever approved; the agent is told why."""

import pytest

from runs.errors import ConflictError, InvalidTransitionError, NotPermittedError
from runs.models import RevokedTool, Role
from runs.operations.accounts import make_tenant
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.revoke_tool import restore_tool, revoke_tool
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


@pytest.mark.fault(54)
def test_a_tool_that_was_revoked_after_the_approval_is_not_called(proposed, person, end_of, tenant):
    action, chef = proposed(), person("chef", Role.ADMIN)
    approve(action, user=person("anna"))
    revoke_tool("pay", tenant=tenant, reason="The bank is being audited.", user=chef)

    run = end_of(action)

    assert run.status == "completed" and not CALLS["pay"] and "audited" in str(run.steps.get(seq=2).result["text"])
    assert run.steps.get(seq=2).status == "failed" and run.steps.get(seq=2).attempt == 0


def test_a_revoked_tool_cannot_be_approved_but_rejected(proposed, person, tenant):
    action = proposed()
    revoke_tool("pay", tenant=tenant, reason="audit", user=person("chef", Role.ADMIN))

    with pytest.raises(InvalidTransitionError, match="revoked"):
        approve(action, user=person("anna"))

    assert reject(action, user=person("anna"), note="revoked").status == "rejected"


def test_a_restored_tool_is_called_again_and_another_tenants_revocation_does_not_matter(
    proposed, person, end_of, tenant
):
    chef, root = person("chef", Role.ADMIN), person("root")
    root.is_superuser = True
    root.save()
    revoke_tool("pay", tenant=make_tenant("globex"), reason="theirs", user=root)
    assert restore_tool(revoke_tool("pay", tenant=tenant, reason="ours", user=chef), user=chef)
    action = proposed()
    approve(action, user=person("anna"))

    assert end_of(action).status == "completed" and CALLS["pay"] == 1


def test_a_tool_is_revoked_once_and_only_by_an_admin(person, tenant):
    chef = person("chef", Role.ADMIN)
    revoke_tool("pay", tenant=tenant, reason="audit", user=chef)

    with pytest.raises(ConflictError):
        revoke_tool("pay", tenant=tenant, reason="again", user=chef)
    with pytest.raises(NotPermittedError):
        revoke_tool("pay", tenant=tenant, reason="mine", user=person("anna"))
    with pytest.raises(NotPermittedError):
        revoke_tool("pay", tenant=None, reason="everybody's", user=chef)
    assert RevokedTool.objects.count() == 1


def test_a_tool_that_needs_no_approval_is_stopped_as_well(offline, post, work, person, tenant):
    revoke_tool("look_up", tenant=tenant, reason="audit", user=person("chef", Role.ADMIN))
    offline({"turns": [use(("look_up", {"key": "a"})), say("ok")]})
    run = post("cashier")

    work()

    assert not CALLS["look_up"] and run.steps.get(seq=2).error["type"] == "permission_denied"
