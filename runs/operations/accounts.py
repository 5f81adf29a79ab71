"""Create tenants, their service accounts, and tokens."""

from collections.abc import Collection, Iterable
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from runs.declarations.catalog import job_types as declared
from runs.errors import InvalidInputError
from runs.models import DEFAULT_SCOPES, SCOPES, Membership, Role, Tenant, issue_token, service_name
from runs.models.people import people_named


def make_token(
    *,
    tenant_slug: str,
    username: str | None = None,
    scopes: Iterable[str] | None = None,
    job_types: Iterable[str] | None = None,
) -> str:
    """Issue a token and return its secret text; create the tenant and the user if they are missing.

    Without a user the token belongs to the tenant's service account. By default it may post and read, for every job
    type. Raises: InvalidInputError for an unknown scope or job type, or a bad slug.
    """
    wanted = set(DEFAULT_SCOPES if scopes is None else scopes)
    _refuse_unknown("scope", wanted, SCOPES)
    narrowed = None if job_types is None else set(job_types)
    _refuse_unknown("job type", narrowed or (), [job_type.name for job_type in declared()])
    tenant = make_tenant(tenant_slug)
    _, text = issue_token(tenant=tenant, user=make_member(tenant, username), scopes=wanted, job_types=narrowed)
    return text


def _refuse_unknown(what: str, named: Iterable[str], known: Collection[str]) -> None:
    if unknown := sorted(set(named) - set(known)):
        field = f"{what.replace(' ', '_')}s"
        raise InvalidInputError({field: [f"no {what} {unknown[0]!r}; there are {', '.join(known)}"]})


def make_tenant(slug: str) -> Tenant:
    """Find or create a tenant. Raises: InvalidInputError if the slug is invalid."""
    if tenant := Tenant.objects.filter(slug=slug).first():
        return tenant
    if not slug.replace("-", "").replace("_", "").isalnum() or len(slug) > 64:
        raise InvalidInputError({"tenant": [f"{slug!r} is not a slug: letters, digits, - and _, at most 64"]})
    return Tenant.objects.get_or_create(slug=slug, defaults={"name": slug})[0]


def make_member(tenant: Tenant, username: str | None) -> AbstractBaseUser:
    """Find or create a user with a role in the tenant; without a name, the service account."""
    name = username or service_name(tenant.slug)
    user: Any = people_named(name).first() or _make_user(name)
    Membership.objects.get_or_create(user=user, tenant=tenant, defaults={"role": Role.ADMIN})
    return cast(AbstractBaseUser, user)


def _make_user(name: str) -> Any:
    """Create a user with just a name. Raises: InvalidInputError if the project's user model needs more."""
    people: Any = get_user_model()
    try:
        with transaction.atomic():
            user, made = people._default_manager.get_or_create(**{people.USERNAME_FIELD: name})
            if made:
                user.set_unusable_password()
                user.save(update_fields=["password"])
    except (DatabaseError, ValidationError, ValueError, TypeError) as error:
        problem = f"{name!r} cannot be made by name alone ({error}); make that user yourself, then try again"
        raise InvalidInputError({"user": [problem]}) from error
    return user
