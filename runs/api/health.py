"""Health: `/livez` says that the process answers, `/readyz` that it can take runs."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from runs.models import Worker


@login_not_required
@csrf_exempt
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer."""
    return JsonResponse({"status": "ok"})


@login_not_required
@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database is there and migrated, else 503. Workers are counted, not required."""
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        workers = None if missing else Worker.objects.alive().count()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "away"}, status=503)
    if missing:
        return JsonResponse({"status": "unavailable", "database": f"{missing} migrations missing"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok", "workers": workers})
