"""Throttle sign-in: what django-axes counts as an account and an address, and its answer to a refused sign-in.

Named by `AXES_…` in the settings. An address from which a user has signed in before has its own count for that user;
all other addresses share one. So guessing from many addresses fails, and no guesser elsewhere locks a person out.
"""

import math
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessLog
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import salted_hmac


def account(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Name the account of an attempt. An unknown name is stored as a digest, since it may be a password."""
    name = (credentials or request.POST).get(settings.AXES_USERNAME_FORM_FIELD)
    if name is None:
        return None
    users = get_user_model()
    try:
        return str(users._default_manager.get_by_natural_key(name).get_username())
    except users.DoesNotExist:
        return f"unknown:{salted_hmac(__name__, name, algorithm='sha256').hexdigest()[:32]}"


def address(request: HttpRequest) -> str | None:
    """Return the request's address as reported by the server; None if it is not an address."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0]))
    except ValueError:
        return None


def counted_by(request: HttpRequest, credentials: dict[str, Any] | None = None) -> list[Any]:
    """Count this account's failures at this address, if its owner has signed in from there; else at all addresses."""
    known = AccessLog.objects.filter(username=account(request, credentials), ip_address=address(request))
    return [["username", "ip_address"]] if known.exists() else ["username"]


def refused(request: HttpRequest, *_: Any) -> HttpResponse:
    """Render a console page that says what happened, when to try again, and who can help sooner."""
    opens_at = _opens_at(request)
    wait_s = max(1, math.ceil((opens_at - timezone.now()).total_seconds()))
    context = {
        **admin.site.each_context(request),
        "limit": settings.AXES_FAILURE_LIMIT,
        "opens_at": opens_at,
        "minutes": math.ceil(wait_s / 60),
    }
    response = render(request, "sign_in_refused.html", context, status=429)
    response["Retry-After"] = str(wait_s)
    add_never_cache_headers(response)
    return response


def _opens_at(request: Any) -> datetime:
    """Return when the last counted failure expires; refused attempts are not counted."""
    # The middleware passes no credentials on when it runs asynchronously, so read them from their source.
    counted = AxesProxyHandler.get_implementation().get_user_attempts(request, request.axes_credentials)
    last: datetime = max(attempts.aggregate(at=Max("attempt_time"))["at"] or timezone.now() for attempts in counted)
    return last + settings.AXES_COOLOFF_TIME
