"""Tenants and who may do what in them."""

import uuid
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

WEIGHT_MAX = 100


class Role(models.TextChoices):
    """What a member of a tenant may do; the table is in `docs/operating.md`."""

    VIEWER = "viewer", "Viewer: reads"
    OPERATOR = "operator", "Operator: stops, retries, replays"
    APPROVER = "approver", "Approver: decides pending actions"
    ADMIN = "admin", "Admin: everything"


DECIDERS = (Role.APPROVER, Role.ADMIN)


class Tenant(models.Model):
    """The account that owns runs, data and budget."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=64, unique=True, help_text="Shown in the API as `tenant`.")
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(
        default=True, help_text="A suspended tenant's runs fail with permission_denied when next claimed."
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,
        blank=True,  # in a form: then it is 1
        validators=[MinValueValidator(1), MaxValueValidator(WEIGHT_MAX)],
        help_text="Runs that it may start in each of its turns in a queue, while other tenants wait.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gte=1, weight__lte=WEIGHT_MAX), name="tenant_weight_1_to_100")
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Take an empty weight for 1."""
        if self.weight is None:
            self.weight = 1


class Membership(models.Model):
    """One user's role in one tenant."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "tenant"], name="one_role_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.tenant}"


def service_name(slug: str) -> str:
    """Name the service account of a tenant: the user behind tokens that name no person."""
    return f"service@{slug}"


def is_service_account(user: AbstractBaseUser, tenant: Tenant) -> bool:
    """Say whether a user is the tenant's service account, and so no person."""
    return user.get_username() == service_name(tenant.slug)


def holds_role(user: AbstractBaseUser | None, tenant_id: UUID, roles: Sequence[str]) -> bool:
    """Say whether somebody has one of these roles in the tenant now; superusers have every one."""
    if user is None or not user.is_active:
        return False
    if getattr(user, "is_superuser", False):
        return True
    return Membership.objects.filter(user_id=user.pk, tenant_id=tenant_id, role__in=roles).exists()
