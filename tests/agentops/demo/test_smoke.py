"""`demo --smoke` on PostgreSQL. On SQLite it is `make smoke`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from agentops.stack import free_port
from tests.databases import fresh_database

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ("REDIS_URL", "AGENTOPS_WORKLOAD", "DJANGO_SETTINGS_MODULE")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="`make smoke` does it"),
]


def test_all_fates_end_as_they_should_although_a_worker_is_killed():
    var = tempfile.mkdtemp(prefix="smoke-")
    command = [sys.executable, "manage.py", "demo", "--smoke", "--kill-worker", "--json", "--port", str(free_port())]
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {"AGENTOPS_VAR": var}

    with fresh_database(var) as env["DATABASE_URL"]:
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240)

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["ok"], report["breaches"], len(report["runs"])) == (True, [], 10)
    shutil.rmtree(var, ignore_errors=True)
