"""The `AGENTOPS` settings block as one typed, frozen value."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Conf:
    """Settings of runs. Every name carries its unit."""

    lease_s: float = 8.0  # lease duration; a worker without a heartbeat for this long loses its runs
    heartbeat_s: float = 2.0  # interval of lease renewals and of checks for cancel requests
    sweep_s: float = 2.0  # interval at which a worker looks for dead leases, due timers, and work without a doorbell
    slots: int = 8  # runs that one worker process holds at once
    grace_s: float = 20.0  # a stopping worker waits this long for the calls in flight
    abandoned_slots_max: int = 4  # after this many hung threads the worker drains and exits
    crashes_max: int = 3  # crashes without progress at one step before the dead letter
    retry_delays_s: tuple[float, ...] = (10.0, 30.0, 120.0, 600.0)
    retry_after_max_s: float = 3600.0  # a longer Retry-After is capped at this
    retry_after_default_s: float = 60.0  # pause of a model after a 429 without Retry-After
    circuit_pause_s: float = 15.0  # how long a circuit stays open after a burst of failures; then doubled
    circuit_pause_max_s: float = 300.0
    provider_workspace: str = ""  # workspace of the API key: rate limits of other workspaces do not apply
    model_connect_s: float = 5.0
    model_silence_s: float = 120.0  # a stream that is silent for this long has failed
    model_timeout_s: float = 600.0  # one whole model call
    batch_gather_s: float = 60.0  # how long calls of the batch lane wait for others to join them
    batch_poll_s: float = 60.0  # interval of polling a batch in progress
    batch_settles_s: float = 300.0  # a request in flight has arrived by then; others take over from a dead worker
    batch_max_calls: int = 10_000  # more are sent as further batches
    batch_max_bytes: int = 100 * 1024 * 1024
    action_expires_s: float = 7 * 24 * 3600.0  # an action that nobody decides for this long expires
    action_remind_s: float = 24 * 3600.0  # between two reminders of an open decision
    body_max_bytes: int = 256 * 1024
    body_timeout_s: float = 30.0  # a body that has not arrived by then is refused, and the connection closed
    api_rate_units: int = 2400  # per token and window; 0: no limit
    api_rate_window_s: int = 10
    text_max_chars: int = 100_000  # longer tool results are truncated; an artifact keeps the whole
    replays_max: int = 5  # replays in one chain of dead letters
    mail_dead_letters: bool = True  # to the operators and admins of the tenant
    site_url: str = ""  # prefix of links in mails, such as `https://agents.example.com`
    offline_model: bool = False  # the model is a script; the console says so

    @property
    def worker_silence_s(self) -> float:
        """Return the seconds without a heartbeat after which a worker counts as gone."""
        return 3 * self.heartbeat_s + self.lease_s


@lru_cache(maxsize=1)
def _read(block: tuple[tuple[str, Any], ...]) -> Conf:
    if unknown := {name for name, _ in block} - {field.name for field in fields(Conf)}:
        raise ImproperlyConfigured(f"AGENTOPS has unknown settings: {', '.join(sorted(unknown))}")
    return Conf(**dict(block))


def conf() -> Conf:
    """Return the settings as they are now.

    Raises: ImproperlyConfigured for a name that does not exist.
    """
    return _read(tuple(sorted(getattr(settings, "AGENTOPS", {}).items())))
