"""What every view of a tenant's data shares: the token, the known parameters, the parsing of bodies."""

from typing import Any, TypeVar, cast

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from rest_framework.exceptions import MethodNotAllowed, ValidationError
from rest_framework.request import Request

from runs.api.bulkhead import one_list
from runs.api.parsers import BoundedJSONParser
from runs.api.permissions import not_narrowed_to
from runs.api.policies import OwnPolicies
from runs.api.strict_body import Body
from runs.errors import NotPermittedError
from runs.models import ApiToken, Tenant

B = TypeVar("B", bound=Body)
PAGE_PARAMETERS = frozenset({"limit", "cursor"})


class TenantView(OwnPolicies):
    """A view that needs a token with the scope `reads`, or for a POST `writes`."""

    http_method_names = ["get", "head", "post"]
    reads = writes = ""
    paged_actions: frozenset[str] = frozenset({"list"})
    query_parameters: dict[str, frozenset[str]] = {}  # by action, in addition to those of pages and filters
    looks_at_job_types: frozenset[str] = frozenset()  # verbs without an object that call `expect_job_type`

    @property
    def token(self) -> ApiToken:
        """Return the token of the request; `HasScope` guarantees one."""
        return cast(ApiToken, self.request.auth)

    @property
    def tenant(self) -> Tenant:
        """Return the token's tenant."""
        return self.token.tenant

    @property
    def user(self) -> AbstractBaseUser:
        """Return the token's user."""
        return self.token.user

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Let DRF see a chunked body: without a Content-Length, it would assume that there is none."""
        if request.META.get("CONTENT_TYPE") and not request.META.get("CONTENT_LENGTH"):
            request.META["CONTENT_LENGTH"] = "-1"
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Wait for a slot if this is a list, then refuse unknown or empty parameters.

        An ignored filter would show more than requested. Raises: Throttled, ValidationError.
        """
        if self._is_paged:
            self.held.enter_context(one_list())
        super().initial(request, *args, **kwargs)
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))  # whatever its parameters are
        unknown = sorted(set(request.query_params) - self._parameters())
        if unknown:
            known = ", ".join(sorted(self._parameters())) or "none"
            raise ValidationError({name: [f"There is no such parameter. Known: {known}."] for name in unknown})
        empty = [name for name, values in request.query_params.lists() if not all(value.strip() for value in values)]
        if empty:
            raise ValidationError({name: ["It is empty: give a value, or leave it out."] for name in sorted(empty)})

    def expect_job_type(self, name: str) -> None:
        """Refuse a job type that the token does not cover. Raises: NotPermittedError."""
        if not self.token.acts_on(name):
            raise NotPermittedError(not_narrowed_to(self.token, name))

    def read(self, body: type[B]) -> B:
        """Parse the body; a request that takes no fields may have any type. Raises: InvalidInputError."""
        takes_any = not body.model_fields and BoundedJSONParser.media_type not in self.request.content_type
        return body.read({} if takes_any else self.request.data)

    @property
    def _is_paged(self) -> bool:
        return getattr(self, "action", None) in self.paged_actions

    def _parameters(self) -> frozenset[str]:
        action = getattr(self, "action", None)
        paged = PAGE_PARAMETERS if self._is_paged else frozenset()
        filters = getattr(self, "filterset_class", None) if action == "list" else None
        own = self.query_parameters.get(action or "", frozenset())
        return paged | own | frozenset(filters.base_filters if filters else ()) | {"format"}
