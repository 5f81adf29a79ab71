"""Commands and options of django-rq and django-q2 that do nothing here say so, and what does."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from runs.management.elsewhere import ElsewhereCommand

ROOT = Path(__file__).resolve().parents[3]
OURS = {"rqworker", "rqworker-pool", "qcluster"}


def theirs():
    """Every command of the two packages."""
    for app in ("django_rq", "django_q"):
        commands = import_module(f"{app}.management.commands")
        yield from (module.name for module in iter_modules(commands.__path__))


@pytest.mark.parametrize("name", sorted(theirs()))
def test_every_command_of_theirs_is_ours(name):
    command = load_command_class(get_commands()[name], name)

    assert command.__module__.startswith("runs.")
    assert (name in OURS) != isinstance(command, ElsewhereCommand)


@pytest.mark.parametrize("name", sorted(set(theirs()) - OURS))
def test_it_is_refused_and_names_what_does_its_work(name):
    with pytest.raises(CommandError, match=r"manage\.py|console") as refused:
        call_command(name)

    assert refused.value.returncode == 2 and "\\" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["rqsuspend", "-d", "5"], ["rqenqueue", "os.system", "true"], ["rqstats", "--json"]])
def test_its_options_are_no_reason_to_say_less(words):
    done = subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 2 and "CommandError" in done.stderr and "usage" not in done.stderr


@pytest.mark.parametrize("option", ["--job-class", "--worker-class", "--max-jobs", "--serializer", "--worker-ttl"])
def test_options_of_their_worker_say_that_they_mean_nothing(option):
    with pytest.raises(CommandError, match=f"{option} means nothing here") as refused:
        call_command("rqworker", "agents", option, "7")

    assert refused.value.returncode == 2


@pytest.mark.parametrize("name", ["rqstats", "qinfo"])
def test_a_project_with_queues_or_a_cluster_of_its_own_keeps_their_commands(name, settings, monkeypatch):
    settings.RQ_QUEUES = settings.RQ_QUEUES | {"mailing": {"URL": "redis://127.0.0.1:1"}}
    settings.Q_CLUSTER = {"name": "mailing", "orm": "default"}
    handed = []
    command = load_command_class(get_commands()[name], name)
    monkeypatch.setattr(
        f"django_{name[0] if name[0] == 'q' else 'rq'}.management.commands.{name}.Command.run_from_argv",
        lambda self, argv: handed.append(argv),
    )

    command.run_from_argv(["manage.py", name, "--json"])

    assert handed == [["manage.py", name, "--json"]]
