"""Where files go, and what is said where none can be kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runs.file_paths import outside_of_packages, project_dir, var_dir
from tests.readme.terminals import ROOT

NOWHERE = {"AGENTOPS_VAR": "/proc/nowhere"}  # root cannot make it either
ELSEWHERE = {"SECRET_KEY": "x", "REDIS_URL": "redis://127.0.0.1:1/0"}


def check(**env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTOPS", "DATABASE", "REDIS"))}
    command = [sys.executable, "manage.py", "check", "--database", "default"]
    env = kept | {"DJANGO_SETTINGS_MODULE": "agentops.settings", **NOWHERE, **env}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_a_folder_that_cannot_be_written_is_named_with_what_to_set():
    done = check()

    assert done.returncode == 1
    assert "agentops.E001" in done.stderr and "SECRET_KEY, DATABASE_URL, REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_minds_it_where_nothing_is_kept_there(tmp_path):
    done = check(**ELSEWHERE, DATABASE_URL=f"sqlite:///{tmp_path}/own/own.sqlite3")

    assert done.returncode == 0, done.stderr


def test_files_stand_beside_the_settings_module_wherever_commands_are_typed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert project_dir() == ROOT


@pytest.mark.parametrize("packages", ["site-packages", "dist-packages"])
def test_nothing_is_ever_kept_among_installed_packages(monkeypatch, tmp_path, packages):
    monkeypatch.chdir(tmp_path)

    assert outside_of_packages(Path("/usr/lib/python3") / packages) == tmp_path


def test_a_project_without_var_dir_has_it_beside_its_manage_py(settings, monkeypatch, tmp_path):
    del settings.VAR_DIR
    monkeypatch.delenv("AGENTOPS_VAR")
    settings.BASE_DIR = tmp_path

    assert var_dir() == tmp_path / "var"
