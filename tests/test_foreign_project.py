"""Runs in a project of somebody else, whose settings are as unlike ours as they may be (`tests/foreign/`)."""

import os
import subprocess
import sys
import tempfile

import pytest
from django.db import connection

from tests.databases import fresh_database
from tests.readme.terminals import ROOT


@pytest.mark.slow
@pytest.mark.django_db
def test_the_stories_of_a_foreign_project_hold(tmp_path):
    with fresh_database(tmp_path) as address, tempfile.TemporaryDirectory(prefix="foreign-") as var:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTOPS", "PYTEST"))}
        env |= {"AGENTOPS_TESTS_VAR": var} | ({} if connection.vendor == "sqlite" else {"DATABASE_URL": address})
        options = ["--ds=tests.foreign.settings", "-q", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *options, "tests/foreign/stories.py"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
