"""Secrets are granted: a tool or a job reads those that its declaration names, and is told what to write for others."""

import dataclasses

import pytest

from runs.checks import check_prompts
from runs.declarations.catalog import job_type_named
from runs.errors import DeclarationError
from runs.registry import Agent, Job, tool
from tests.runs.engine.story import say, use
from tests.testapp.agents import look_up

pytestmark = pytest.mark.django_db
VALUE = "canary-4711-value"


@pytest.fixture
def read(offline, post, work, tool_does, monkeypatch):
    """Let a tool with these grants read the secret `mail`; return what the model is told and what was read."""

    def read(*granted, name="mail"):
        monkeypatch.setenv("AGENTOPS_SECRET_MAIL", VALUE)
        found = []

        def function(context, key):
            found.append(context.secret(name))
            return "read"

        tool_does("look_up", function, secrets=granted)
        model = offline({"turns": [use(("look_up", {"key": "k"})), say("Done.")]})
        post("clerk")
        work()
        return model.requests[-1]["body"]["messages"][-1]["content"][0]["content"], found

    return read


def test_a_granted_secret_is_read(read):
    assert read("mail") == ("read", [VALUE])


def test_case_says_nothing_as_in_the_environment(read):
    assert read("mail", name="MAIL") == ("read", [VALUE])


def test_another_one_is_refused_by_name_with_what_to_write(read):
    told, found = read("payments")

    assert found == []
    assert "tool 'look_up' may not read the secret 'mail'" in told and "secrets=('mail',)" in told


@pytest.mark.parametrize(("granted", "status"), [(("mail",), "completed"), ((), "failed")])
def test_a_plain_job_reads_what_its_class_names(post, work, monkeypatch, granted, status):
    monkeypatch.setenv("AGENTOPS_SECRET_MAIL", VALUE)
    squares = type(job_type_named("squares"))
    monkeypatch.setattr(squares, "secrets", granted)
    monkeypatch.setattr(squares, "run", lambda self, context, upto: len(context.secret("mail")))

    run = post("squares", input={"upto": 1})
    work()

    run.refresh_from_db()
    assert run.status == status
    if not granted:
        assert run.last_error["type"] == "SecretNotGrantedError" and "job 'squares'" in run.last_error["message"]


@pytest.mark.parametrize("wrong", ["mail", ("",), (1,), ("a b",), None, {"mail"}])
def test_a_grant_that_cannot_be_meant_is_refused_at_start_up(wrong):
    with pytest.raises(DeclarationError) as refused:
        tool(function=lambda context: None, name="t", description="d", secrets=wrong)

    assert 'secrets=("mail",)' in refused.value.hint


def test_a_job_is_checked_alike_and_an_agent_reads_none():
    class Odd(Job):
        name = "odd"
        secrets = "mail"

        def run(self, context):
            pass

    class Reader(Agent):
        name = "reader"
        model = "m"
        secrets = ("mail",)

    for declared in (Odd, Reader):
        with pytest.raises(DeclarationError):
            declared().check()


def test_a_secret_in_a_prompt_is_told_at_start_up(monkeypatch):
    assert check_prompts() == []
    clerk = type(job_type_named("clerk"))
    odd = dataclasses.replace(look_up, description="Log in by redis://:hunter2@cache.")
    monkeypatch.setattr(clerk, "tools", [odd])

    (warning,) = check_prompts()

    assert warning.id == "runs.W010" and "'clerk'" in warning.msg
