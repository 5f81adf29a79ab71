"""The database's clock: leases, deadlines and decisions are measured by it, not by a machine's own."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone


def now() -> datetime:
    """Ask the database what time it is."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
            text: str = cursor.fetchone()[0]
            return datetime.fromisoformat(text).replace(tzinfo=timezone.get_fixed_timezone(0))
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def in_seconds(seconds: float) -> Combinable:
    """Build the expression «this many seconds from now» for use inside an UPDATE or a filter."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
