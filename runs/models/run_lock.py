"""Locks: one active run for each key. A run owns its lock and lets go of it by the very statement that ends it.

Neither holder nor successor is a foreign key: PostgreSQL would lock their rows when it checks it, which is at the
commit and thus in an order that two transactions could take the other way round. Whoever needs the row of a run and
its lock takes the run first.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, models
from django.db.models import F, Q

from runs.models.sql import Statement, adapt
from runs.models.tenant import Tenant
from runs.states import OnConflict

if TYPE_CHECKING:
    from runs.models.run import Run


class RunLock(models.Model):
    """The lock of one key. Free while nobody holds it; a successor starts when the holder has ended."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="locks")
    job_type = models.CharField(max_length=100)
    key = models.CharField(max_length=64, help_text="SHA-256 of what makes two runs the same.")
    holder = models.UUIDField(null=True, help_text="The active run of this key; empty: free.")
    successor = models.UUIDField(null=True, help_text="The run that takes its place when it has ended.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "job_type", "key"], name="one_lock_each"),
            models.CheckConstraint(
                condition=Q(successor__isnull=True) | Q(holder__isnull=False) & ~Q(successor=F("holder")),
                name="successor_of_a_holder",
            ),
        ]
        indexes = [
            models.Index(fields=["holder"], condition=Q(holder__isnull=False), name="lock_held"),
            models.Index(fields=["successor"], condition=Q(successor__isnull=False), name="lock_awaited"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} {self.key[:8]}"


_TAKE = """
    INSERT INTO "runs_runlock" ("tenant_id", "job_type", "key", "holder") VALUES (%s, %s, %s, %s)
    ON CONFLICT ("tenant_id", "job_type", "key") DO UPDATE SET "holder" = EXCLUDED."holder"
    WHERE "runs_runlock"."holder" IS NULL RETURNING "id"
"""
_LET_GO = """
    UPDATE "runs_runlock" SET "holder" = CASE WHEN "holder" = %s THEN "successor" ELSE "holder" END, "successor" = NULL
    WHERE "tenant_id" = %s AND "job_type" = %s AND "key" = %s AND ("holder" = %s OR "successor" = %s)
"""


def is_exclusive(run: "Run") -> bool:
    """Say whether a run holds a lock, or waits for one, while it is active."""
    return run.unique_key is not None and run.on_conflict != OnConflict.QUEUE


def take_lock(*, tenant_id: UUID, job_type: str, key: str, run_id: UUID) -> bool:
    """Take the lock of a key, if it is free, by one statement; say whether it was."""
    run = adapt(RunLock, "holder", run_id)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [adapt(RunLock, "tenant", tenant_id), job_type, key, run])
        return cursor.fetchone() is not None


def serialize_posts(key: str) -> None:
    """Let those who post for a key come one after the other, until the end of their transactions.

    Each of them changes whom the next one must lock; without this they would all begin again, many times. SQLite has
    one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(key[:15], 16)])


def release_lock(run: "Run", *, only_with: str | None = None) -> Statement:
    """Build the UPDATE by which a run that ends hands its lock on, or stops waiting for it.

    One statement for both: while it waits for the row, a successor may become the holder. With `only_with`, the name
    of a query: only if that has a row.
    """
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    pk = adapt(RunLock, "holder", run.pk)
    tenant = adapt(RunLock, "tenant", run.tenant_id)
    return Statement(f"{_LET_GO}{condition}", [pk, tenant, run.job_type, run.unique_key, pk, pk])
