"""People as the project's own user model has them: named by its `USERNAME_FIELD`, mailed at its `EMAIL_FIELD`."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import QuerySet

from runs.models.tenant import Membership, service_name

ACTOR_MAX_CHARS = 150  # of a column that names who did something; a name may be an address, and longer


def name_path(relation: str) -> str:
    """Write the path by which a query reads the names of the users of a relation."""
    return f"{relation}__{get_user_model().USERNAME_FIELD}"


def people_named(name: str) -> QuerySet[Any]:
    """Select the users of this name: one, or none."""
    users: QuerySet[Any] = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name})
    return users


def in_order_of_names(users: QuerySet[Any]) -> QuerySet[Any]:
    """Sort users by name."""
    return users.order_by(get_user_model().USERNAME_FIELD)


def address_of(user: Any) -> str:
    """Read where somebody is mailed; empty for who has no address, and for a tenant's service account."""
    addresses = mailable([user])
    return addresses[0] if addresses else ""


def mailable(users: Iterable[Any]) -> list[str]:
    """Read the addresses of people. A service account may be named like one, and is nobody's."""
    field = _email_field()
    return [getattr(user, field) for user in users if field and getattr(user, field) and not is_service(user)]


def members_to_mail(memberships: QuerySet[Membership]) -> list[str]:
    """Read the addresses of the active people with these memberships."""
    return mailable(one.user for one in memberships.filter(user__is_active=True).select_related("user", "tenant"))


def is_service(user: Any) -> bool:
    """Say whether this is the service account of a tenant, by its name: no address of a person is written like it."""
    prefix, name = service_name(""), user.get_username()
    return bool(name.startswith(prefix) and "." not in name)


def _email_field() -> str:
    name = get_user_model().get_email_field_name()
    try:
        get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return ""
    return str(name)
