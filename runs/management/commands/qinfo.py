"""`qinfo`: refused; the clock is watched elsewhere."""

from runs.management.elsewhere import ElsewhereCommand


class Command(ElsewhereCommand):
    package = "django_q"
    help = "django-q2 is only the clock here, and knows nothing of runs."
    instead = "Look with `manage.py doctor` whether it runs, and in the console under Runs and Workers."
