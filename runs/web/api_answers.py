"""What holds for every answer below the API's address, also where no view of ours was reached."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import get_script_prefix, reverse

from runs.api.problems import problem

_MALFORMED = ("malformed", "The request is malformed, or its Host is not one of this server's.")
_PROBLEMS = {
    400: _MALFORMED,
    403: ("forbidden", "Not permitted."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take this method; `Allow` names those it takes."),
    413: ("too_large", "The request is too large."),
    500: ("server_error", "Something went wrong here; it has been logged."),
}


class ApiAnswers:
    """Middleware, the outermost: errors are problem documents, and nothing is kept in caches.

    Django answers with a page what goes wrong before a view is found: a foreign Host, a crash in
    another middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; a page of an error becomes a problem document."""
        response = self.get_response(request)
        if not request.path_info.startswith(_addresses()):
            return response
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").endswith("json"):
            response = _as_problem(response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _as_problem(response: HttpResponseBase) -> HttpResponseBase:
    code, detail = _PROBLEMS.get(response.status_code, ("error", response.reason_phrase))
    kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
    document = problem(response.status_code, code, detail, headers=kept)
    # Django's mark on what it has logged; without it, the new answer would be logged a second time.
    document._has_been_logged = getattr(response, "_has_been_logged", False)  # type: ignore[attr-defined]
    return document


def _addresses() -> tuple[str, ...]:
    """The API and health, as `runs.urls` includes them, below whatever prefix a project has put them."""
    root = reverse("agentops_api:run-list").removeprefix(get_script_prefix().rstrip("/")).removesuffix("v1/runs/")
    return (root, *(root.removesuffix("api/") + name for name in ("livez", "readyz")))
