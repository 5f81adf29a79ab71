"""What an unknown address or an unforeseen error answers: a problem document to clients, a page to people."""

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from runs.api import problems


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404."""
    if request.path_info.startswith("/api/"):
        return problems.page_not_found(request, exception)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 500, without a stack trace."""
    if request.path_info.startswith("/api/"):
        return problems.server_error(request)
    return defaults.server_error(request)
