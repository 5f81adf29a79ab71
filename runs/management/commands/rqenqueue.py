"""`rqenqueue`: refused; runs are posted elsewhere."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    help = "A worker runs no function that is put into Redis."
    instead = "Post a run of a declared job type: `manage.py run NAME --input JSON`, or POST /api/v1/runs/."
