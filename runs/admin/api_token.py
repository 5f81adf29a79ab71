"""API tokens: who has one, and revoking it. Tokens are issued by a command, since they are shown once."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from runs import clock
from runs.admin.kit.formatting import mono
from runs.admin.kit.lists import CREATED, Column, badge_column, column, moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import TenantFilter
from runs.admin.kit.verbs import Question, ask, is_confirmed
from runs.models import ApiToken
from runs.models.people import name_path

REVOKE = Question(
    "Revoke these tokens?",
    "A revoked token never works again, and what uses it is refused from the next request on. Issue another one first "
    "where it is still needed.",
    "Revoke",
)


def _state_of(token: ApiToken) -> str:
    """Say whether it still opens the door."""
    if token.revoked_at:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= timezone.now() else "valid"


def _listed(names: list[str] | None) -> str:
    return "every one" if names is None else ", ".join(map(str, names))


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin[ApiToken]):
    """Read and revoke tokens; hashes are never shown."""

    list_display = fields = (
        "code", "state", "tenant", "user", "scope_list", "job_type_list", CREATED,
        moment_column("expires_at", "expires"), moment_column("revoked_at", "revoked"),
    )  # fmt: skip
    list_filter = (("tenant", TenantFilter),)
    list_select_related = ("tenant", "user")
    search_fields = ("prefix", name_path("user"))
    actions = ("revoke",)
    hint = "Tokens are issued on the command line and shown once: manage.py token --tenant SLUG --user NAME"
    empty_state = "No tokens yet."

    code = column("prefix", "token", lambda prefix: mono(f"agentops_{prefix}_…"))
    state = badge_column("state", _state_of)
    scope_list = Column("scopes", lambda token: _listed(token.scopes))
    job_type_list = Column("job types", lambda token: _listed(token.job_types))

    @admin.action(description="Revoke selected tokens", permissions=["act"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> HttpResponse | None:
        """Ask, then make the tokens worthless from now on."""
        if not is_confirmed(request):
            return ask(request, self, REVOKE, about=list(tokens), back=request.get_full_path())
        ids = list(tokens.values_list("pk", flat=True))
        count = ApiToken.objects.filter(pk__in=ids, revoked_at=None).update(revoked_at=clock.now())
        messages.success(request, f"{count} of {len(ids)} tokens revoked; the others were so already.")
        return None
