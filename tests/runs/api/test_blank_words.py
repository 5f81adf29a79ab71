"""Words of people that say nothing: no model can be asked with them, so they are refused, and the field is named."""

import pytest

from runs.engine.outcomes import Waiting
from runs.errors import InvalidInputError
from runs.models import Run
from runs.operations.actions.answer import answer
from runs.operations.fork_run import fork_run
from tests.runs.engine.story import say, use

pytestmark = pytest.mark.django_db

BLANK = ["", " ", "\n\t", "\u2003\u00a0"]


def refused(answer):
    """Name the fields that an answer refuses."""
    assert answer.status_code == 422
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("text", BLANK)
def test_a_posted_text_that_is_blank_is_refused(api, text):
    answer = api.post("/api/v1/runs/", {"job_type": "clerk", "input": {"text": text}})

    assert refused(answer) == ["input.text"]
    assert not Run.objects.exists()


def test_so_is_one_that_continues_or_forks_a_run(offline, api, post, work, user):
    offline({"turns": [say("Hi.")]})
    run = post("clerk")
    work()

    goes_on = api.post("/api/v1/runs/", {"job_type": "clerk", "input": {"text": " "}, "continues": str(run.pk)})
    fork = api.post(f"/api/v1/runs/{run.pk}/fork/", {"from_step": 1, "input": {"text": " "}})

    assert refused(goes_on) == refused(fork) == ["input.text"]
    run.refresh_from_db()
    with pytest.raises(InvalidInputError, match=r"input\.text"):
        fork_run(run, user=user, from_step=1, new_input={"text": ""})


@pytest.mark.parametrize("text", BLANK)
@pytest.mark.parametrize("end", [False, True])
def test_a_message_that_is_blank_is_refused_and_the_question_stays_open(offline, api, post, work, text, end):
    offline({"turns": [say("Well?")]})
    run = post("talker")
    assert work() == [Waiting()]

    said = api.post(f"/api/v1/runs/{run.pk}/messages/", {"text": text, "end": end})

    assert refused(said) == ["text"]
    assert run.actions.get().status == "open"


def test_a_tools_question_is_not_answered_with_blanks(offline, post, work, user):
    offline({"turns": [use(("ask_human", {"question": "Well?"}))]})
    run = post("clerk")
    work()

    with pytest.raises(InvalidInputError, match="text"):
        answer(run.actions.get(), user=user, text=" ")
