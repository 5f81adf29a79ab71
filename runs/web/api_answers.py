"""What holds for every answer below the API's address, also where no view of ours was reached."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, get_script_prefix, reverse

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
        if not _is_ours(request.path_info):
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


def _is_ours(path: str) -> bool:
    """Say whether the API or health answers here, below whatever prefix a project has included `runs.urls`.

    What else is below `/api/` belongs to the project, unless all of it is ours (`agentops.urls`).
    """
    root = _address("agentops_api:run-list").removesuffix("api/v1/runs/")
    if not root:
        return False
    whole = _address("agentops_api_rest", "")
    return (
        path.startswith(f"{root}api/v1/")
        or path in (f"{root}api/v1", f"{root}livez", f"{root}readyz")
        or bool(whole and path.startswith(whole))
    )


def _address(name: str, *args: str) -> str:
    """As `path_info` has it; empty if a project has not included it."""
    try:
        return reverse(name, args=args).removeprefix(get_script_prefix().rstrip("/"))
    except NoReverseMatch:
        return ""
