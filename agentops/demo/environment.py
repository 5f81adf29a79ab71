"""Prepare and start the demo: database, people, token, servers."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command

from agentops.examples.support_desk.seed import forget_effects, seed
from agentops.stack import Stack, free_port
from runs.models import Membership, Role
from runs.operations.accounts import make_member, make_tenant, make_token

TENANT = "acme"
OPERATOR = "operator"
_PORT = 8000  # where people look first
SCRIPTS = Path(__file__).resolve().parent.parent / "examples" / "support_desk" / "scripts"


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials of the demo. Made at each start and never stored."""

    token: str  # for a program that posts and reads
    operator_token: str  # for the person who decides, who must not be the requester
    password: str


def prepare() -> Keys:
    """Migrate the database, seed the support desk, create the operator and a token."""
    call_command("migrate", verbosity=0, interactive=False, skip_checks=False)
    seed()
    forget_effects()  # an invoice can be refunded once, but the demo can be repeated
    password = secrets.token_urlsafe(9)
    tenant = make_tenant(TENANT)
    operator = make_member(tenant, OPERATOR)
    get_user_model()._default_manager.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    operator.refresh_from_db()
    operator.set_password(password)
    operator.save(update_fields=["password"])
    Membership.objects.filter(user_id=operator.pk).update(role=Role.ADMIN)
    return Keys(
        token=make_token(tenant_slug=TENANT),
        operator_token=make_token(tenant_slug=TENANT, username=OPERATOR, scopes=["actions:decide"]),
        password=password,
    )


def start(stack: Stack, *, port: int, live: bool) -> str:
    """Start every part; return the address of the web server."""
    if not live:
        stack.offline_model(scripts=[SCRIPTS])
    stack.worker("worker-agents", ["agents"])
    stack.worker("worker-fast", ["realtime", "default", "batch"], slots=4)
    address = stack.web(port=port or free_port(preferred=_PORT))
    stack.clock()
    return address
