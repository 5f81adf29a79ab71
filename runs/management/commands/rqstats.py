"""`rqstats`: refused; the numbers are elsewhere."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    help = "RQ knows nothing of runs: the queues are in the database."
    instead = "Look with `manage.py doctor`, or in the console under Lanes and Workers."
