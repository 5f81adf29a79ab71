"""People of a tenant, and payments that wait for them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from runs.engine import provider
from runs.models import Membership, PendingAction, Role, Run
from tests.runs.engine.story import say, use


@pytest.fixture
def person(tenant) -> Callable[..., Any]:
    """Make a person of the tenant, with a role and an address."""

    def make(name: str, role: str = Role.APPROVER) -> Any:
        user, _ = get_user_model().objects.get_or_create(username=name, defaults={"email": f"{name}@example.com"})
        Membership.objects.update_or_create(user=user, tenant=tenant, defaults={"role": role})
        return user

    return make


@pytest.fixture
def proposed(offline, post, work) -> Callable[..., PendingAction]:
    """Let the cashier propose one payment; return the open approval."""

    def propose(amount_usd: float = 100.0, to: str = "bob") -> PendingAction:
        provider.close_client()
        offline({"turns": [use(("pay", {"to": to, "amount_usd": amount_usd})), say("Done. {{tool:pay}}")]})
        run = post("cashier")
        work()
        return PendingAction.objects.get(run=run)

    return propose


@pytest.fixture
def end_of(work) -> Callable[[PendingAction], Run]:
    """Work on, and return the run of an action as it is then."""

    def end(action: PendingAction) -> Run:
        work()
        return Run.objects.get(pk=action.run_id)

    return end
