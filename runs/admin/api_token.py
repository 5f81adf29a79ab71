"""API tokens: who has one, and revoking it. Tokens are issued by a command, since they are shown once."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from runs import clock
from runs.admin.kit.formatting import badge_html, mono
from runs.admin.kit.lists import CREATED, moment_column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.admin.kit.tenants import TenantFilter
from runs.admin.kit.verbs import Question, ask, is_confirmed
from runs.models import ApiToken
from runs.models.people import name_path

HOW_TO_ADD = "Tokens are issued on the command line and shown once: manage.py token --tenant SLUG --user NAME"


REVOKE = Question(
    "Revoke these tokens?",
    "A revoked token never works again, and what uses it is refused from the next request on. Issue another one first "
    "where it is still needed.",
    "Revoke",
)
EXPIRES = moment_column("expires_at", "expires")
REVOKED = moment_column("revoked_at", "revoked")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin[ApiToken]):
    """Read and revoke tokens; hashes are never shown."""

    list_display = ("code", "state", "tenant", "user", "scope_list", "job_type_list", CREATED, EXPIRES, REVOKED)
    list_filter = (("tenant", TenantFilter),)
    list_select_related = ("tenant", "user")
    search_fields = ("prefix", name_path("user"))
    fields = ("code", "state", "tenant", "user", "scope_list", "job_type_list", CREATED, EXPIRES, REVOKED)
    readonly_fields = ("code", "state", "scope_list", "job_type_list", CREATED, EXPIRES, REVOKED)
    actions = ("revoke",)
    hint = HOW_TO_ADD
    empty_state = "No tokens yet."

    @admin.display(description="token", ordering="prefix")
    def code(self, token: ApiToken) -> SafeString:
        """Show the beginning, by which it is recognised."""
        return mono(f"agentops_{token.prefix}_…")

    @admin.display(description="state")
    def state(self, token: ApiToken) -> SafeString:
        """Say whether it still opens the door."""
        if token.revoked_at:
            return badge_html("revoked")
        expired = token.expires_at is not None and token.expires_at <= timezone.now()
        return badge_html("expired" if expired else "valid")

    @admin.display(description="scopes")
    def scope_list(self, token: ApiToken) -> str:
        """List what it may be used for."""
        return ", ".join(str(scope) for scope in token.scopes)

    @admin.display(description="job types")
    def job_type_list(self, token: ApiToken) -> str:
        """List the job types that it acts on."""
        return "every one" if token.job_types is None else ", ".join(str(name) for name in token.job_types)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Revoking needs the permission to change tokens."""
        return request.user.has_perm("runs.change_apitoken")

    @admin.action(description="Revoke selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> HttpResponse | None:
        """Ask, then make the tokens worthless from now on."""
        if not is_confirmed(request):
            return ask(request, self, REVOKE, about=list(tokens), back=request.get_full_path())
        ids = list(tokens.values_list("pk", flat=True))
        count = ApiToken.objects.filter(pk__in=ids, revoked_at=None).update(revoked_at=clock.now())
        messages.success(request, f"{count} of {len(ids)} tokens revoked; the others were so already.")
        return None
