"""Addresses of the design that are not built yet: answer `not_supported`, never a 404."""

from typing import Any

from django.http import JsonResponse
from rest_framework.request import Request

from runs.api.permissions import HasToken
from runs.api.policies import OwnPolicies
from runs.api.problems import problem

PATHS = (
    "runs/<uuid:pk>/events/",
    "queues/",
    "workflows/<uuid:pk>/",
    "schedules/",
    "webhooks/",
    "artifacts/",
)


class NotBuiltView(OwnPolicies):
    """Answers 422 to every method."""

    permission_classes = [HasToken]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    schema = None

    def answer(self, request: Request, **_: Any) -> JsonResponse:
        """Answer 422."""
        return problem(422, "not_supported", f"{request.path} is part of the design and not built yet.")

    get = post = put = patch = delete = answer
