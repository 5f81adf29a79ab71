"""Fix everything that DRF would take from `REST_FRAMEWORK`, so that the project's own API and ours do not interfere."""

from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.utils.decorators import method_decorator
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]  # django-filter has no types
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api.allowance import Allowance, allowance_of
from runs.api.authentication import BearerAuthentication
from runs.api.parsers import BoundedJSONParser
from runs.api.permissions import HasScope
from runs.api.problems import problem_response
from runs.api.schema import ProblemSchema


class Json(JSONRenderer):
    """JSON in UTF-8, without spaces."""

    ensure_ascii = False
    compact = True
    strict = True


class ByAcceptOrFormat(DefaultContentNegotiation):
    """The `Accept` header, or `?format=`."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE="format")


# Operations open their own transactions, even if the project wraps requests in one.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class OwnPolicies(APIView):
    """The base of every view of this API."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [HasScope]
    parser_classes = [BoundedJSONParser]
    renderer_classes = [Json]
    throttle_classes = []  # `allowance` also counts requests refused for lack of a scope
    content_negotiation_class = ByAcceptOrFormat
    metadata_class = None
    versioning_class = None
    filter_backends: Any = [DjangoFilterBackend]
    pagination_class: Any = None
    schema: Any = ProblemSchema()
    allowance: Allowance | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Release what `held` holds, however the request ends."""
        with ExitStack() as self.held:
            return super().dispatch(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Any]:
        """Answer with problem documents."""
        return problem_response

    def perform_authentication(self, request: Request) -> None:
        """Recognise the token, and count the request. Raises: AuthenticationFailed, Throttled."""
        super().perform_authentication(request)
        if request.auth and (allowance := allowance_of(request.auth.pk)):
            self.allowance = allowance
            allowance.take()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep answers, which belong to one tenant, out of caches, and add the rate limit headers."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.allowance:
            self.allowance.charge(response)
            for name, value in self.allowance.headers.items():
                response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response
