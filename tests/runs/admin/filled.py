"""A database with one of everything, and hostile text in it."""

from typing import Any

from django.utils import timezone

from runs.models import (
    ApprovalPolicy,
    Artifact,
    Mail,
    Membership,
    PendingAction,
    Role,
    Tenant,
    issue_token,
)
from runs.states import RunStatus
from tests.runs.admin.approval_rows import make_revoked, make_rule, make_voted
from tests.runs.admin.limit_rows import make_limits
from tests.runs.admin.rows import (
    HOSTILE,
    make_completed,
    make_failed,
    make_group,
    make_run,
    make_tenant,
    make_waiting,
    make_worker,
)


def fill(user: Any, tenant: Tenant) -> dict[str, Any]:
    """A database with one of everything. Returns the rows by name."""
    hostile = make_tenant("evil", name=HOSTILE)
    completed = make_completed(tenant, user, f"Refunded $910.50. {HOSTILE}")
    Membership.objects.get_or_create(user=user, tenant=tenant, defaults={"role": Role.ADMIN})
    issue_token(tenant=tenant, user=user, scopes=["runs:read", "runs:write"])
    actions = {kind: make_waiting(tenant, kind) for kind in ("approval", "question", "outcome", "budget")}
    Mail.objects.create(
        to=["olga@acme.example"], subject=f"Failed {HOSTILE}", body=HOSTILE, run=completed,
        created_at=timezone.now(), next_try_at=timezone.now(),
    )  # fmt: skip
    PendingAction.objects.filter(pk=actions["question"].pk).update(reason=f"Which order do you mean? {HOSTILE}")
    actions["voted"] = make_voted(tenant, user)
    actions["by_rule"] = make_waiting(
        tenant, amount=12.5, rule=make_rule(tenant, user), status="approved", decided_at=timezone.now(),
        reason="Approved beforehand by a rule: Small refunds are fine today.",
    )  # fmt: skip
    return {
        "rule": actions["by_rule"].rule,
        "policy": ApprovalPolicy.objects.get(),
        "revoked": make_revoked(tenant, user),
        "tenant": tenant,
        "evil": hostile,
        "completed": completed,
        "continued": make_run(tenant, user, RunStatus.RETRYING, continues=completed, attempts=2),
        "forked": make_run(tenant, user, forked_from=completed),
        "cancelled": make_run(tenant, user, RunStatus.CANCELLED),
        "running": make_run(tenant, user, RunStatus.RUNNING, worker=make_worker().pk),
        "letter": make_failed(tenant, user, f"no price for the model {HOSTILE}"),
        "group": make_group(f"no price for the model {HOSTILE}"),
        "artifact": Artifact.objects.defer("body").get(run=completed),
        **actions,
        "limits": make_limits(tenant, hostile, user),
    }
