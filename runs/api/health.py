"""Health: `/livez` says that the process answers, `/readyz` that it can accept runs."""

import os
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from runs.models import Worker
from runs.operations.readiness import redis_state, why_not_ready


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
    """Answer 200 if runs can be accepted, else 503 with the reason. Workers and Redis are reported, not required.

    The header `Agentops-Instance` tells several servers apart.
    """
    reason, workers = why_not_ready(), 0
    try:
        workers = 0 if reason else Worker.objects.alive().count()
    except DatabaseError:
        reason = "away"
    body: dict[str, Any] = {"status": "unavailable", "database": reason}
    if not reason:
        body = {"status": "ok", "database": "ok", "redis": redis_state(), "workers": workers}
    instance = {"Agentops-Instance": os.environ.get("AGENTOPS_INSTANCE", "")}
    return JsonResponse(body, status=503 if reason else 200, headers=instance)
