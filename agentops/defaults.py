"""Values that runs need in a project's settings: for `DATABASES`, `RQ_QUEUES` and `Q_CLUSTER`.

Imported by settings modules, so it needs no settings itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any

QUEUES = ("realtime", "agents", "default", "batch")

CLOCK: dict[str, Any] = {  # for Q_CLUSTER: only the clock, one schedule row that calls one function of ours
    "name": "agentops",
    "orm": "default",
    "workers": 1,
    "timeout": 30,
    "retry": 60,
    "max_attempts": 3,
    "catch_up": False,
    "label": "Clock",
}

_WITHIN_A_SECOND = "socket_timeout=1&socket_connect_timeout=1"  # a hung doorbell must not block anybody


def queues(redis_url: str, names: Iterable[str] = QUEUES) -> dict[str, dict[str, Any]]:
    """Build the queues of doorbells for `RQ_QUEUES`; add your own queues to that dictionary."""
    queue = {
        "URL": f"{redis_url}{'&' if '?' in redis_url else '?'}{_WITHIN_A_SECOND}",
        "DEFAULT_TIMEOUT": -1,  # runs have their own deadlines
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    return {name: dict(queue) for name in names}


def database(config: Mapping[str, Any], *, pool: int = 10) -> dict[str, Any]:
    """Add what runs need to an entry of `DATABASES`; leave it alone if it is neither SQLite nor PostgreSQL.

    `pool` is the maximum of PostgreSQL connections per process.
    """
    if str(config["ENGINE"]).endswith("sqlite3"):
        return dict(config) | {"ENGINE": "agentops.embedded.sqlite3", "OPTIONS": _sqlite(config.get("OPTIONS", {}))}
    if str(config["ENGINE"]).endswith("postgresql"):
        options = _postgresql(config.get("OPTIONS", {}), pool)
        # Runs return their connection before they wait, so a few connections serve many slots.
        return dict(config) | {"ENGINE": "agentops.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": options}
    return dict(config)


def _sqlite(options: Mapping[str, Any]) -> dict[str, Any]:
    """Make writers queue."""
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    return {
        "timeout": 20,
        **options,
        "transaction_mode": "IMMEDIATE",  # a read-then-write transaction cannot fail half-way
        "init_command": f"{pragmas} {options.get('init_command', '')}".strip(),
    }


def _postgresql(options: Mapping[str, Any], pool: int) -> dict[str, Any]:
    """Make connections survive a restart of the server."""
    return {
        "connect_timeout": 5,
        "prepare_threshold": 1,  # each step's statement is planned once per connection
        "keepalives_idle": 30,  # notices a network that drops everything
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # milliseconds
        **options,
        "pool": {
            "min_size": 0,
            "max_size": pool,
            "timeout": 20,
            "reconnect_timeout": 1.0,  # seconds after which it gives up an attempt
            "reconnect_failed": reconnect_at_once,
        },
    }


def reconnect_at_once(pool: Any) -> None:
    """Reconnect for threads that wait, instead of pausing longer and longer. A pool that has given up calls it."""
    if pool.get_stats().get("requests_waiting"):
        pool.check()
