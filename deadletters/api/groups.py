"""Groups of dead letters with one cause: list, read, resolve, ignore, assign, reopen."""

from django.db.models import Max, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view

from deadletters import group_decisions
from deadletters.api.bodies import Assign, Ignore, Note
from deadletters.api.documents import LetterGroupSerializer
from deadletters.api.lists import LetterGroupFilter, LetterViewSet
from deadletters.models import LetterGroup
from runs.api.rows import verb


@extend_schema_view(
    list=extend_schema(description="List the tenant's causes, latest failure first."),
    retrieve=extend_schema(description="Read one cause."),
)
class DeadLetterGroupViewSet(LetterViewSet[LetterGroup]):
    """Causes that the token's tenant met, with the stats of its own dead letters.

    A cause may be shared with other tenants. Its verbs need the role operator or admin in every tenant that met it, so
    a token can decide only about causes that no other tenant met; use the console for the rest.
    """

    queryset = LetterGroup.objects.select_related("assignee", "resolved_by")
    serializer_class = LetterGroupSerializer
    filterset_class = LetterGroupFilter
    ordering = ("-own_last_seen", "-id")

    def visible(self, rows: QuerySet[LetterGroup]) -> QuerySet[LetterGroup]:
        """Select groups with a dead letter of the tenant, with the time of its own last one."""
        return rows.filter(letters__tenant=self.tenant.slug).annotate(own_last_seen=Max("letters__failed_at"))

    resolve = verb(
        group_decisions.resolve, Note, "Mark the cause as gone; its next dead letter makes the group `regressed`."
    )
    ignore = verb(
        group_decisions.ignore,
        Ignore,
        "Stop mails about the cause until a time or a rate; dead letters are still stored and counted.",
    )
    reopen = verb(group_decisions.reopen, Note, "Reopen a resolved or ignored cause.")
    assign = verb(group_decisions.assign_group, Assign, "Assign the cause to a user of the tenant.", name="assign")
