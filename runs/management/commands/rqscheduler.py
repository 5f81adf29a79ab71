"""`rqscheduler`: refused; timers run inside the workers."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    help = "RQ's scheduler is not used here: timers run inside every worker."
    instead = "Start `manage.py rqworker QUEUE`; a run waits with `scheduled_at` in POST /api/v1/runs/."
