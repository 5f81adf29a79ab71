"""Migrate the database of `DATABASE_URL` to the newest state, let upkeep catch up, and report as JSON."""

import json
from collections import Counter

import django
from django.core.management import call_command

django.setup()

from django.contrib.auth.models import Permission  # noqa: E402 (Django first)

from runs.invariants.every import breaches  # noqa: E402 (Django first)
from runs.maintenance.reconcile import reconcile  # noqa: E402
from runs.models import Limit, PendingAction, Run  # noqa: E402

call_command("migrate", verbosity=0, skip_checks=False)
before = Counter(Run.objects.values_list("status", flat=True))
kinds = Counter(PendingAction.objects.filter(status="open").values_list("kind", flat=True))
reconcile()
found = [str(breach) for breach in breaches(look_again_after_s=0)]
backlogs = list(Limit.objects.filter(kind="backlog").values_list("queue", "most", "updated_by__username"))
granted = sorted(Permission.objects.filter(user__username="root").values_list("codename", flat=True))
print(json.dumps({"statuses": before, "open": kinds, "breaches": found, "backlogs": backlogs, "granted": granted}))
