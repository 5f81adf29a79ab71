"""Adjust every answer below the API's address, even if none of our views was reached."""

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
    """The outermost middleware: errors become problem documents, and nothing is cached.

    Django answers with an HTML page when something goes wrong before a view is found: a foreign Host, a crash in
    another middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; turn an error page into a problem document."""
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
    # Django's mark for logged answers; without it, the new answer would be logged again.
    document._has_been_logged = getattr(response, "_has_been_logged", False)  # type: ignore[attr-defined]  # private
    return document


def _is_ours(path: str) -> bool:
    """Say whether the API or health answers here, under any prefix at which a project includes `runs.urls`.

    Everything else below `/api/` belongs to the project, unless all of it is ours (`agentops.urls`).
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
    """Return an address in the form of `path_info`; empty if the project does not include it."""
    try:
        return reverse(name, args=args).removeprefix(get_script_prefix().rstrip("/"))
    except NoReverseMatch:
        return ""
