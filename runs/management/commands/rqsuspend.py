"""`rqsuspend`: refused; queues are paused elsewhere."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    help = "Suspending RQ holds back no run: workers claim runs from the database."
    instead = "Pause a queue in the console under Pauses, or with POST /api/v1/pauses/."
