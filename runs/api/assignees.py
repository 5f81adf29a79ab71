"""People whom a client names."""

from collections.abc import Collection
from typing import Any

from deadletters.people import people
from runs.errors import InvalidInputError


def assignee_named(username: str, tenants: Collection[str]) -> Any:
    """Find a user of one of these tenants. Raises: InvalidInputError naming `user`, whoever else may have that name."""
    found = people().find(username, tenants)
    if found is None:
        raise InvalidInputError(
            {"user": [f"nobody named {username!r} belongs to {' or '.join(tenants)}; name a member"]}
        )
    return found
