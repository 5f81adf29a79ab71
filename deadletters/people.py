"""What dead letters ask about people. This app knows no memberships: whoever knows tenants answers here."""

from collections.abc import Collection
from typing import Any, Protocol
from uuid import UUID

from deadletters.errors import NotReplayableError


class People(Protocol):
    """Who may do what in a tenant, and who is told of it. Tenants are slugs."""

    def check_may_act(self, user: Any, *, tenant: str, run_id: UUID | None = None) -> None:
        """Refuse who may not deal with letters of the tenant, or with that of this run. Raises: an error of its own."""
        ...

    def belongs(self, user: Any, tenant: str) -> bool:
        """Say whether somebody may be given work of the tenant."""
        ...

    def find(self, username: str, tenants: Collection[str]) -> Any:
        """Find a user of one of these tenants by name; None if there is none."""
        ...

    def names(self, tenants: Collection[str]) -> list[str]:
        """List the names of those who may be given work of every one of these tenants."""
        ...

    def tell(self, tenant: str, subject: str, text: str, run_id: UUID) -> None:
        """Mail those who deal with the tenant's letters, once the transaction that this is called in has committed."""
        ...


_known: list[People] = []


def register_people(people: People) -> None:
    """Tell who answers about people. The last one told wins."""
    _known.append(people)


def people() -> People:
    """Find who answers. Raises: NotReplayableError if nobody does, so that nobody acts unchecked."""
    if not _known:
        raise NotReplayableError("nobody knows who may deal with dead letters")
    return _known[-1]
