"""The `AGENTOPS` settings block as one typed, frozen value."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Conf:
    """Settings of runs. Every name carries its unit."""

    lease_s: float = 8.0  # a worker that was silent for so long has lost its runs
    heartbeat_s: float = 2.0  # leases are renewed, and cancellations noticed, so often
    sweep_s: float = 2.0  # so often a worker looks for dead leases, due timers, and work unasked
    slots: int = 8  # runs that one worker process holds at once
    grace_s: float = 20.0  # a stopping worker waits so long for the calls in flight
    abandoned_slots_max: int = 4  # so many hung threads, and the worker drains and exits
    crashes_max: int = 3  # crashes without progress at one step before the dead letter
    retry_delays_s: tuple[float, ...] = (10.0, 30.0, 120.0, 600.0)
    retry_after_max_s: float = 3600.0  # a longer Retry-After is cut to this
    retry_after_default_s: float = 60.0  # so long a model is not asked when its 429 does not say
    circuit_pause_s: float = 15.0  # so long a model is not asked after a burst of failures; doubled while it fails
    circuit_pause_max_s: float = 300.0
    provider_workspace: str = ""  # to which the API key belongs: rate limits of another workspace do not hold
    model_connect_s: float = 5.0
    model_silence_s: float = 120.0  # a stream that says nothing for so long has failed
    model_timeout_s: float = 600.0  # one whole model call
    batch_gather_s: float = 60.0  # calls of the batch lane wait so long for others to be sent with
    batch_poll_s: float = 60.0  # so often a batch in progress is looked at
    batch_settles_s: float = 300.0  # a request on its way has arrived by then; others take over from a dead worker
    batch_max_calls: int = 10_000  # more are sent as further batches
    batch_max_bytes: int = 100 * 1024 * 1024
    action_expires_s: float = 7 * 24 * 3600.0  # a decision nobody took for so long has expired
    action_remind_s: float = 24 * 3600.0  # between two reminders of an open decision
    body_max_bytes: int = 256 * 1024
    body_timeout_s: float = 30.0  # a body that has not arrived by then is refused, and the connection closed
    api_rate_units: int = 2400  # of one token in a window; 0: no limit
    api_rate_window_s: int = 10
    text_max_chars: int = 100_000  # longer tool results are cut; the whole is kept as an artifact
    replays_max: int = 5  # replays in one chain of dead letters
    mail_dead_letters: bool = True  # to the operators and admins of the tenant
    site_url: str = ""  # before the path of a link in a mail, as `https://agents.example.com`
    offline_model: bool = False  # the model is a script; the console says so

    @property
    def worker_silence_s(self) -> float:
        """After so long without a heartbeat, a worker counts as gone."""
        return 3 * self.heartbeat_s + self.lease_s


@lru_cache(maxsize=1)
def _read(block: tuple[tuple[str, Any], ...]) -> Conf:
    unknown = {name for name, _ in block} - {field.name for field in fields(Conf)}
    if unknown:
        raise ImproperlyConfigured(f"AGENTOPS has unknown settings: {', '.join(sorted(unknown))}")
    return Conf(**dict(block))


def conf() -> Conf:
    """Return the settings as they are now.

    Raises: ImproperlyConfigured for a name that does not exist.
    """
    return _read(tuple(sorted(getattr(settings, "AGENTOPS", {}).items())))
