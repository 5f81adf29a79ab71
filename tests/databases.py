"""Addresses of databases for processes that tests start: the test's own database, or a fresh one of the same kind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from django.db import connection


def address_of(name: str) -> str:
    """Give the `DATABASE_URL` of a database beside the one in use."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    here = connection.get_connection_params()
    where = {key: str(here[key]) for key in ("host", "port", "user", "password") if here.get(key)}
    return f"postgresql:///{name}?{urlencode(where)}"


def environment(address: str | None = None, **more: str) -> dict[str, str]:
    """Build the environment of a child process: it sees the test's database, unless another is given."""
    return os.environ | {
        "DATABASE_URL": address or address_of(str(connection.settings_dict["NAME"])),
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],  # settings that a test changes forget it
        **more,
    }


@contextmanager
def fresh_database(folder: str | Path) -> Iterator[str]:
    """Make an empty database of the kind in use, for processes alone; remove it in the end."""
    if connection.vendor == "sqlite":
        yield address_of(f"{folder}/fresh.sqlite3")
        return
    name = f"fresh_{os.getpid()}_{Path(folder).name}".lower().replace("-", "_")
    _administer(f'CREATE DATABASE "{name}"')
    try:
        yield address_of(name)
    finally:
        _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(statement: str) -> None:
    with psycopg.connect(address_of("postgres"), autocommit=True) as administrator:
        administrator.execute(statement)  # not through Django, which tests may use only when they say so
