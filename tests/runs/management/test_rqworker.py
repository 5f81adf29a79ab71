"""`rqworker` works on runs; queues that are the project's own are django-rq's, with its options."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from redis import Redis
from rq import Queue

from agentops.defaults import queues
from agentops.embedded.valkey import ensure_valkey
from runs.management.commands import rqworker
from runs.queue.foreign_jobs import foreign_queues, own_queues

URL = "redis://127.0.0.1:1"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def worked(settings, monkeypatch):
    """Who was told to work, and how: `theirs` are the words of the command, `ours` the queues."""
    settings.RQ_QUEUES = queues(URL) | {"mailing": {"URL": URL}, "reports": {"URL": URL}}
    worked = {"theirs": [], "ours": []}
    theirs = "django_rq.management.commands.rqworker.Command.run_from_argv"
    monkeypatch.setattr(theirs, lambda self, argv: worked["theirs"].append(argv[2:]))
    monkeypatch.setattr(rqworker, "serve", lambda weights, **_: worked["ours"].append(list(weights)))
    return worked


def type_(*words: str) -> None:
    rqworker.Command().run_from_argv(["manage.py", "rqworker", *words])


def test_queues_are_told_apart_by_what_they_were_made_for(worked):
    assert foreign_queues() == ["mailing", "reports"] and "agents" in own_queues()


@pytest.mark.parametrize(
    "words",
    [
        ["mailing"],
        ["reports", "mailing", "--burst"],
        ["--max-jobs", "5", "mailing", "--with-scheduler"],
        ["mailing", "--worker-class", "rq.SimpleWorker", "--name", "agents-2"],
        ["mailing", "nothing"],
    ],
)
def test_queues_of_the_project_are_handed_to_django_rq_as_they_were_typed(worked, words):
    type_(*words)

    assert worked == {"theirs": [words], "ours": []}


@pytest.mark.parametrize(
    ("words", "served"),
    [
        ([], ["agents"]),
        (["agents", "batch"], ["agents", "batch"]),
        (["agents=3", "default=1"], ["agents", "default"]),
        (["--name", "mailing"], ["agents"]),
        (["agents", "--name", "mailing"], ["agents"]),
    ],
)
def test_queues_of_runs_are_ours(worked, words, served):
    type_(*words)

    assert worked == {"theirs": [], "ours": [served]}


@pytest.mark.parametrize("words", [["agents", "mailing"], ["mailing", "agents", "--burst"]])
def test_queues_of_both_are_refused_and_none_is_worked_on(worked, words):
    with pytest.raises(CommandError, match="no queue 'mailing' for runs"):
        call_command("rqworker", *words)

    assert worked == {"theirs": [], "ours": []}


@pytest.fixture
def folder():
    """A place for a server; RQ's worker sets handlers of signals, which are put back."""
    path, before = Path(tempfile.mkdtemp(prefix="vk-")), {one: signal.getsignal(one) for one in _SIGNALS}
    yield path
    for one, handler in before.items():
        signal.signal(one, handler)
    shutil.rmtree(path, ignore_errors=True)


def test_a_job_of_the_projects_own_is_done(folder, settings):
    """Their own worker, over their own queue: pickled arguments, and a result."""
    address = f"unix://{ensure_valkey(folder)}"
    settings.RQ_QUEUES = queues(address) | {"mailing": {"URL": address}}
    job = Queue("mailing", connection=Redis.from_url(address)).enqueue(pow, 2, 10)

    type_("mailing", "--burst", "--worker-class", "rq.SimpleWorker")

    assert job.return_value() == 1024
