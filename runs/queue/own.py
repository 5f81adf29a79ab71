"""Which queues of `RQ_QUEUES` carry doorbells; a project may have others there, for jobs of its own."""

from django.conf import settings

_SERIALIZER = "rq.serializers.JSONSerializer"  # jobs of others are pickled, unless they say otherwise


def own_queues() -> list[str]:
    """List the queues that are made for runs."""
    return [name for name, queue in _all().items() if queue.get("SERIALIZER") == _SERIALIZER]


def foreign_queues() -> list[str]:
    """List the project's own."""
    return [name for name, queue in _all().items() if queue.get("SERIALIZER") != _SERIALIZER]


def _all() -> dict[str, dict[str, object]]:
    return getattr(settings, "RQ_QUEUES", None) or {}
