"""`rqcron`: refused; the clock is another command."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    help = "RQ's cron is not used here."
    instead = "The clock is `manage.py qcluster`; a single run waits with `scheduled_at` in POST /api/v1/runs/."
