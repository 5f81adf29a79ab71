"""`rqresume`: refused; pauses end elsewhere."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    help = "Resuming RQ starts no run: workers claim runs from the database."
    instead = "End the pause in the console under Pauses, or with POST /api/v1/pauses/ID/end/."
