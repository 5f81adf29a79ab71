"""What every view of a tenant's data shares: the token, the known parameters, the parsing of bodies."""

from typing import Any, TypeVar, cast

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from runs.api.bulkhead import one_list
from runs.api.parsers import BoundedJSONParser
from runs.api.permissions import not_narrowed_to
from runs.api.policies import OwnPolicies
from runs.api.strict_body import Body
from runs.errors import InvalidInputError, NotPermittedError
from runs.models import ApiToken, Tenant

B = TypeVar("B", bound=Body)


class TenantView(OwnPolicies):
    """A view that needs a token with the scope `reads`, or for a POST `writes`."""

    http_method_names = ["get", "head", "post"]
    reads = writes = ""
    paged_actions: frozenset[str] = frozenset({"list"})
    query_parameters: frozenset[str] = frozenset()  # in addition to those of pages and filters
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

        An ignored filter would show more than requested. Raises: Throttled, InvalidInputError.
        """
        if self._action in self.paged_actions:
            self.held.enter_context(one_list())
        super().initial(request, *args, **kwargs)
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))  # whatever its parameters are
        given, known = dict(sorted(request.query_params.lists())), self._parameters()
        said = f"There is no such parameter. Known: {', '.join(sorted(known))}."
        errors = {name: [said] for name in given if name not in known} or {
            name: ["It is empty: give a value, or leave it out."]
            for name, values in given.items()
            if not all(value.strip() for value in values)
        }
        if errors:
            raise InvalidInputError(errors)

    def expect_job_type(self, name: str) -> None:
        """Refuse a job type that the token does not cover. Raises: NotPermittedError."""
        if not self.token.acts_on(name):
            raise NotPermittedError(not_narrowed_to(self.token, name))

    def read(self, body: type[B]) -> B:
        """Parse and check the body. Raises: InvalidInputError."""
        return body.read(self.parsed(body))

    def parsed(self, body: type[Body]) -> Any:
        """Parse the body as JSON, within its bounds; a verb without fields accepts any content type."""
        takes_any = not body.model_fields and BoundedJSONParser.media_type not in self.request.content_type
        return {} if takes_any else self.request.data

    @property
    def _action(self) -> str | None:
        return getattr(self, "action", None)  # only views with a router have one

    def _parameters(self) -> set[str]:
        paged = {"limit", "cursor"} if self._action in self.paged_actions else set()
        filters = getattr(self, "filterset_class", None) if self._action == "list" else None
        return {"format"} | paged | self.query_parameters | set(filters.base_filters if filters else ())
