"""Every way of storing a text carries a secret, and ends in: no secret is stored, and none is sent to the model."""

import dataclasses

import pytest
from django.urls import reverse

from deadletters.models import DeadLetter, LetterGroup
from runs import clock
from runs.conf import conf
from runs.declarations.catalog import job_type_named
from runs.invariants.every import breaches
from runs.maintenance.batches.tend import tend_batches
from runs.models import ApprovalPolicy, Artifact, Pause, PendingAction, Run
from runs.models.mail import post_mail
from runs.operations.accounts import make_token
from runs.operations.actions.reject import reject
from tests.runs.api.conftest import ACTIONS, LETTERS, RUNS, Api
from tests.runs.engine.story import say, use
from tests.runs.secrets.canary import KNOWN, LEAK, SHAPED, sent, stored
from tests.testapp import agents
from tests.testapp.agents import FAIL

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("canary")]

LOOK = use(("look_up", {"key": "k"}))
SEND = use(("send", {"to": "bob"}))
REFUND = use(("refund", {"order_id": "1", "amount_usd": 2.0}))


def gives(value):
    return lambda context, **arguments: value


def raises(error):
    def function(context, **arguments):
        raise error

    return function


class Ways:
    """What a way has at hand."""

    def __init__(self, **parts):
        vars(self).update(parts)

    def clerk(self, *turns, **script):
        """Let the clerk run through these turns; return the run."""
        self.model = self.offline({"turns": [*turns, say("Done.")], **script})
        run = self.post("clerk")
        self.work()
        run.refresh_from_db()
        return run

    def action(self, *turns):
        """Return the action that such a run of the clerk opens."""
        return PendingAction.objects.get(run=self.clerk(*turns))

    def decide(self, action, verb, expect=200, **body):
        answer = self.api.post(f"{ACTIONS}{action.pk}/{verb}/", body)
        assert answer.status_code == expect, answer.content
        self.work()
        return answer

    def posted(self, path, body, *, expect, **headers):
        answer = self.api.post(path, body, **headers)
        assert answer.status_code == expect, answer.content
        return answer


@pytest.fixture
def ways(offline, post, work, user, tenant, api, tool_does, monkeypatch, settings, root_client):
    return Ways(
        offline=offline,
        post=post,
        work=work,
        user=user,
        tenant=tenant,
        api=api,
        tool_does=tool_does,
        monkeypatch=monkeypatch,
        settings=settings,
        console=root_client,
    )


@pytest.fixture
def root_client(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root", "root@example.com", "x"))
    return client


# Of the engine


def result_text(ways):
    ways.tool_does("look_up", gives(LEAK))
    assert "see [redacted]" in ways.clerk(LOOK).steps.get(name="look_up").result["text"]


def result_value(ways):
    ways.tool_does("look_up", gives({KNOWN: [{"inner": LEAK, "password": "canary-pw"}]}))
    assert "inner" in ways.clerk(LOOK).steps.get(name="look_up").result["text"]


def result_cut_in_the_middle_of_a_secret(ways):
    ways.settings.AGENTOPS = {**ways.settings.AGENTOPS, "text_max_chars": 100}
    ways.tool_does("look_up", gives("x" * 84 + LEAK))
    run = ways.clerk(LOOK)
    assert Artifact.objects.get(run=run)
    assert "canary" not in run.steps.get(name="look_up").result["text"]


def result_of_a_look_up_of_lost_work(ways):
    ways.tool_does("book", raises(ConnectionError("reset")), verify=lambda context, arguments: LEAK)
    ways.clerk(use(("book", {"room": "1"})))


def tool_error(ways):
    ways.tool_does("look_up", raises(KeyError(LEAK)))
    assert ways.clerk(LOOK).status == "completed"


def passing_error(ways):
    ways.tool_does("look_up", raises(agents.TransientError(LEAK)))
    ways.clerk(LOOK)


def unknown_outcome(ways):
    ways.tool_does("send", raises(ConnectionError(LEAK)))
    assert ways.action(SEND).kind == "outcome"


def progress(ways):
    ways.tool_does("look_up", lambda context, key: context.progress(5, LEAK))
    assert Run.objects.get(pk=ways.clerk(LOOK).pk).progress_message.startswith("see [redacted]")


def words_of_the_model(ways):
    ways.clerk({"content": [{"type": "text", "text": LEAK}, *LOOK["content"]]})


def arguments_of_the_model(ways):
    run = ways.clerk(use(("look_up", {"key": LEAK}), ("send", {"to": KNOWN}), ("put", {"value": 1})))
    kinds = [(step.error or {}).get("type") for step in run.steps.filter(kind="tool_call").order_by("seq")]
    assert kinds == ["secret_in_arguments", "secret_in_arguments", None] and run.status == "completed"
    assert dict(agents.CALLS) == {"put": 1}, "none is made with other arguments than the model meant"


def a_secret_as_key_of_arguments(ways):
    ways.clerk(use(("look_up", {SHAPED: "x", "key": "k"})))
    assert agents.CALLS["look_up"] == 0


def arguments_that_wait_for_a_person(ways):
    run = ways.clerk(use(("refund", {"order_id": LEAK, "amount_usd": 2.0})))
    assert run.status == "completed" and not PendingAction.objects.exists()


def name_of_a_tool(ways):
    ways.clerk(use((SHAPED, {})))


def question(ways):
    ways.clerk(use(("ask_human", {"question": LEAK})))


def last_words(ways):
    ways.model = ways.offline({"turns": [say(LEAK)]})
    ways.post("talker")
    ways.work()


def refusal_of_the_provider(ways):
    fault = {"kind": "status", "status": 400, "error_type": "invalid_request_error", "message": LEAK}
    assert ways.clerk(faults=[fault]).status == "failed"


def pause_of_the_provider(ways):
    ways.clerk(faults=[{"kind": "rate_limited", "message": LEAK, "retry_after_s": 60}])


def batched_answer(ways):
    ways.model = ways.offline(
        {
            "turns": [
                {"content": [{"type": "text", "text": LEAK}, *use(("send", {"to": KNOWN}))["content"]]},
                say("Done."),
            ]
        }
    )
    run = ways.post("clerk", lane="batch")
    for _ in range(6):
        ways.work()
        clock.advance(conf().batch_gather_s + conf().batch_poll_s)
        tend_batches()
        assert not stored()
    run.refresh_from_db()
    assert run.status == "completed" and agents.CALLS["send"] == 0


def prompt(ways):
    clerk = type(job_type_named("clerk"))
    ways.monkeypatch.setattr(clerk, "system", f"Be kind. {LEAK}")
    tools = [dataclasses.replace(tool, description=f"{tool.description} {LEAK}") for tool in clerk.tools]
    ways.monkeypatch.setattr(clerk, "tools", tools)
    ways.clerk(LOOK)


def job_result(ways):
    ways.monkeypatch.setattr(agents, "square", gives_any({"a": LEAK}))
    run = ways.post("squares", input={"upto": 1})
    ways.work()
    run.refresh_from_db()
    assert run.output["values"][0]["a"].startswith("see [redacted]")


def gives_any(value):
    return lambda *args, **kwargs: value


def job_error(ways):
    FAIL["square-1"] = [ValueError(LEAK)]
    ways.post("squares", input={"upto": 1})
    ways.work()
    assert "[redacted]" in DeadLetter.objects.get().error_message
    assert "[redacted]" in LetterGroup.objects.get().message


def name_of_a_job_step(ways):
    squares = type(job_type_named("squares"))
    times = []

    def run(self, context, upto, effect="read"):
        for secret in (KNOWN, SHAPED):
            context.step(f"charge {secret}", lambda: times.append(1), effect="read")
        if upto == 1 and context.attempt == 1:
            raise agents.TransientError("again")

    ways.monkeypatch.setattr(squares, "run", run)
    ways.post("squares", input={"upto": 1})
    ways.work()
    assert len(times) == 2, "each is recorded once, by its own name"


def mail(ways):
    assert post_mail(["a@example.com"], LEAK, LEAK)


# Of clients and people


def known_secret_in_input(ways):
    answer = ways.posted(RUNS, {"job_type": "clerk", "input": {"text": f"use {KNOWN}"}}, expect=422)
    assert [error["field"] for error in answer.json()["errors"]] == ["input.text"] and "canary" not in str(
        answer.json()
    )
    assert not Run.objects.exists()


def known_secret_as_key_of_input(ways):
    ways.posted(RUNS, {"job_type": "digest", "input": {"document": "a", KNOWN: {"b": 1}}}, expect=422)


def shaped_secret_in_input(ways):
    body = {"job_type": "clerk", "input": {"text": f"my key is {SHAPED}"}, "metadata": {SHAPED: "redis://:canary-pw@h"}}
    document = ways.posted(RUNS, body, expect=202).json()
    assert document["input"] == {"text": "my key is [redacted]"}
    assert document["metadata"] == {"[redacted]": "redis://[redacted]@h"}


def known_secret_in_metadata(ways):
    body = {"job_type": "clerk", "input": {"text": "a"}, "metadata": {"a": [{"b": KNOWN}]}}
    answer = ways.posted(RUNS, body, expect=422)
    assert [error["field"] for error in answer.json()["errors"]] == ["metadata.a.0.b"]


def idempotency_key(ways):
    for secret in (KNOWN, SHAPED):
        body = {"job_type": "clerk", "input": {"text": "a"}}
        answer = ways.posted(RUNS, body, expect=422, **{"Idempotency-Key": secret})
        assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


def new_input_of_a_fork(ways):
    run = ways.clerk(LOOK)
    ways.posted(f"{RUNS}{run.pk}/fork/", {"from_step": 1, "input": {"text": KNOWN}}, expect=422)
    ways.posted(f"{RUNS}{run.pk}/fork/", {"from_step": 1, "input": {"text": SHAPED}}, expect=202)
    ways.work()


def message(ways):
    ways.model = ways.offline({"turns": [say("And?"), say("Good.")]})
    run = ways.post("talker")
    ways.work()
    ways.posted(f"{RUNS}{run.pk}/messages/", {"text": LEAK}, expect=202)
    ways.work()


def note_of_an_approval(ways):
    ways.decide(ways.action(REFUND), "approve", note=LEAK)


def note_of_an_agreement(ways):
    ApprovalPolicy.objects.create(tool="refund", approvals=2, note=LEAK)
    action = ways.action(REFUND)
    anna = Api(make_token(tenant_slug="acme", username="anna", scopes=["actions:decide"]))
    assert anna.post(f"{ACTIONS}{action.pk}/approve/", {"note": LEAK}).status_code == 200


def note_of_a_rejection(ways):
    ways.decide(ways.action(REFUND), "reject", note=LEAK)


def note_that_is_cut_in_the_middle_of_a_secret(ways):
    reject(ways.action(REFUND), user=ways.user, note="x" * 3990 + LEAK)
    assert "canary" not in PendingAction.objects.get().note


def edited_arguments(ways):
    answer = ways.decide(ways.action(REFUND), "approve", expect=422, arguments={"order_id": SHAPED, "amount_usd": 2.0})
    assert answer.json()["errors"][0]["field"] == "arguments"


def resolved_result(ways):
    FAIL["send"] = [ConnectionError("reset")]
    ways.decide(ways.action(SEND), "resolve", outcome="happened", result={"key": LEAK, "password": "canary-pw"})


def words_about_an_action(ways):
    action = ways.action(REFUND)
    ways.decide(action, "ask", text=LEAK)
    ways.decide(action, "reply", text=LEAK)
    ways.decide(action, "escalate", note=LEAK)


def reason_of_a_pause(ways):
    ways.posted("/api/v1/pauses/", {"job_type": "clerk", "reason": LEAK}, expect=201)


def note_of_a_limit(ways):
    ways.posted("/api/v1/limits/", {"job_type": "clerk", "most": 1, "note": LEAK}, expect=201)


def note_of_a_letter(ways):
    FAIL["square-1"] = [ValueError("no")]
    ways.post("squares", input={"upto": 1})
    ways.work()
    ways.posted(f"{LETTERS}{DeadLetter.objects.get().pk}/discard/", {"note": LEAK}, expect=200)


def reason_of_a_pause_in_the_console(ways):
    form = {"tenant": ways.tenant.pk, "queue": "", "job_type": "clerk", "model": "", "until": "", "reason": LEAK}
    ways.console.post(reverse("admin:runs_pause_pause"), form)
    assert "[redacted]" in Pause.objects.get().reason


WAYS = [
    *(result_text, result_value, result_cut_in_the_middle_of_a_secret, result_of_a_look_up_of_lost_work, tool_error),
    *(
        passing_error,
        unknown_outcome,
        progress,
        words_of_the_model,
        arguments_of_the_model,
        a_secret_as_key_of_arguments,
    ),
    *(arguments_that_wait_for_a_person, name_of_a_tool, question, last_words, refusal_of_the_provider),
    *(pause_of_the_provider, batched_answer, prompt, job_result, job_error, name_of_a_job_step, mail),
    *(known_secret_in_input, known_secret_as_key_of_input, shaped_secret_in_input, known_secret_in_metadata),
    *(idempotency_key, new_input_of_a_fork, message, note_of_an_approval, note_of_an_agreement, note_of_a_rejection),
    *(note_that_is_cut_in_the_middle_of_a_secret, edited_arguments, resolved_result, words_about_an_action),
    *(reason_of_a_pause, note_of_a_limit, note_of_a_letter, reason_of_a_pause_in_the_console),
]


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_no_secret_is_stored_or_sent_to_the_model(ways, way):
    way(ways)

    assert stored() == {}
    assert sent(ways.model) == [] if hasattr(ways, "model") else True
    assert list(breaches(look_again_after_s=0)) == []
