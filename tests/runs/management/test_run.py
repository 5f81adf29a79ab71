"""`run` posts a run and follows it, and never ends in a traceback."""

import io
import json
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from runs.management.commands import run as command
from runs.models import PendingAction, Run

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words):
    said, complained = io.StringIO(), io.StringIO()
    try:
        call_command("run", *words, stdout=said, stderr=complained)
    except SystemExit as end:
        return end.code, said.getvalue(), complained.getvalue()
    except CommandError as error:
        return error.returncode, said.getvalue(), str(error)
    return 0, said.getvalue(), complained.getvalue()


@pytest.fixture
def worked(monkeypatch, work):
    """A worker works whenever the command looks."""
    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=lambda _: work()))


@pytest.mark.parametrize(
    "words",
    [
        ["clerk", "--input", "{"],
        ["clerk", "--input", "[" * 100_000],
        ["clerk", "--input", "[1]"],
        ["clerk", "--input", '{"text": 1e999}'],
        ["nobody_has_declared_this"],
        ["clerk", "--input", '{"text": "x"}', "--tenant", "no slug!"],
        ["clerk", "--input", '{"text": "x"}', "--tenant", "x" * 500],
    ],
    ids=["no JSON", "deep", "no object", "infinite", "no job type", "no slug", "long slug"],
)
def test_what_cannot_be_posted_is_exit_code_2_and_says_why(words, db):
    code, said, complained = run(*words, "--no-follow")

    assert (code, said) == (2, "") and complained and not Run.objects.exists()


def test_a_run_that_waits_says_its_id_and_where_to_decide(offline, worked):
    offline(
        {"turns": [{"content": [{"type": "tool_use", "name": "refund", "input": {"order_id": "7", "amount_usd": 5}}]}]}
    )

    code, said, complained = run("clerk", "--input", '{"text": "hello"}', "--json")

    posted, action = Run.objects.get(), PendingAction.objects.get()
    assert code == 2 and json.loads(said.splitlines()[-1])["open_actions"] == [str(action.pk)]
    assert str(posted.pk) in complained
    assert f"/admin/runs/pendingaction/{action.pk}/change/" in complained
    assert f"POST /api/v1/actions/{action.pk}/approve/" in complained


@pytest.mark.parametrize(("error", "words"), [(KeyboardInterrupt(), "goes on"), (OperationalError("gone"), "is away")])
def test_a_follower_that_is_interrupted_says_which_run_goes_on(error, words, monkeypatch):
    def interrupt(_):
        raise error

    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=interrupt))

    code, _, complained = run("clerk", "--input", '{"text": "hello"}')

    assert code == 2 and words in complained and str(Run.objects.get().pk) in complained
