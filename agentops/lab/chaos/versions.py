"""Which versions a report speaks of."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import django
from django.db import connection

_ROOT = Path(__file__).resolve().parents[3]


def versions() -> dict[str, str]:
    """Name the parts that matter, and the commit if this is a checkout."""
    found = {
        "agentops": version("django-agentops"),
        "python": platform.python_version(),
        "django": django.get_version(),
        connection.vendor: _database(),
        "rq": version("rq"),
    }
    commit = _commit()
    return found | ({"commit": commit} if commit else {})


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        return str(cursor.fetchone()[0])


def _commit() -> str:
    command = ["git", "-C", str(_ROOT), "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
