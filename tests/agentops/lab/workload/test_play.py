"""Playing one conversation against an API that answers as told."""

import threading

import pytest

from agentops.lab.workload.client import StoppedError, UnreachableError, WorkloadApiError
from agentops.lab.workload.pace import WorkloadPace
from agentops.lab.workload.play import play
from runs.states import Lane

QUESTION = [{"code": "question", "message": "asked a question"}]
OUTCOME = [{"code": "outcome", "message": "must be told whether lend_book happened"}]


def run(status, why=()):
    return {
        "id": "r1",
        "status": status,
        "why": list(why),
        "usage": {},
        "attempts": 0,
        "progress": {},
        "open_actions": ["a1"] if why else [],
        "last_error": {"type": "ToolError", "message": "no"},
    }


ASKS, DONE = run("waiting_for_confirmation", QUESTION), run("completed")


class FakeApi:
    """Gives the looks in their order, and keeps what was said."""

    def __init__(self, *looks, answers=(), waits=0):
        self.looks, self.answers = list(looks), list(answers)
        self.waits, self.said, self.posted = waits, [], []

    def post_run(self, body, *, key):
        self.posted.append((body, key))
        return run("queued")

    def run(self, run_id):
        return self.looks.pop(0)

    def steps(self, run_id):
        return [{"kind": "wait", "status": "completed"}] * self.waits

    def answer(self, run_id, text, *, end):
        self.said.append((text, end))
        if self.answers and (error := self.answers.pop(0)):
            raise error

    def pause(self, seconds):
        assert seconds > 0


def played(conversation, api):
    return play(conversation, api, tenant="workload-01", label="l1", lane=Lane.STANDARD, pace=WorkloadPace())


def test_it_posts_answers_and_says_the_last_word_with_end(workload):
    api = FakeApi(run("running"), ASKS, DONE)

    result = played(workload.conversations[0], api)

    assert result.completed
    assert api.said == [(" Thank you!\n", True)]
    ((body, key),) = api.posted
    assert body["input"] == {"text": "Have you «Emma»?", "conversation": "library-1"}
    assert body["metadata"] == {"replay": "l1", "conversation": "library-1"}
    assert key == "workload-l1-library-1"


def test_an_answer_before_a_tool_result_does_not_end_the_run(workload):
    api = FakeApi(ASKS, DONE)

    assert played(workload.conversations[1], api).completed
    assert api.said == [("A day.", False)]


@pytest.mark.parametrize(
    ("looks", "problem"),
    [
        ([ASKS, run("failed")], "failed: ToolError: no"),
        ([DONE], "completed after 0 of 1 answers"),
        ([ASKS, ASKS], "the agent asks, but the recording holds no further answer"),
    ],
)
def test_what_does_not_end_as_recorded_is_told(workload, looks, problem):
    result = played(workload.conversations[0], FakeApi(*looks))

    assert result.problem == problem
    assert not result.needs_person
    assert result.run_id == "r1"


def test_an_unknown_outcome_needs_a_person(workload):
    result = played(workload.conversations[1], FakeApi(run("waiting_for_confirmation", OUTCOME)))

    assert result.needs_person
    assert result.problem == "outcome: must be told whether lend_book happened (action a1)"


def test_an_answer_that_was_taken_without_a_reply_is_not_said_twice(workload):
    api = FakeApi(ASKS, DONE, answers=[UnreachableError("reset")], waits=1)

    assert played(workload.conversations[0], api).completed
    assert len(api.said) == 1


def test_an_answer_that_was_not_taken_is_said_again(workload):
    api = FakeApi(ASKS, ASKS, DONE, answers=[UnreachableError("refused"), None], waits=0)

    assert played(workload.conversations[0], api).completed
    assert len(api.said) == 2


def test_a_refusal_of_the_api_is_told(workload):
    api = FakeApi(ASKS, answers=[WorkloadApiError(409, "wrong_state", "the run has no open question")])

    assert played(workload.conversations[0], api).problem == "the API: 409 wrong_state: the run has no open question"


def test_stopping_ends_a_player_at_its_next_pause(workload):
    from agentops.lab.workload.client import WorkloadClient

    stopping = threading.Event()
    stopping.set()
    api = FakeApi(ASKS)
    api.pause = WorkloadClient("http://127.0.0.1:1", "token", stopping=stopping).pause

    with pytest.raises(StoppedError):
        played(workload.conversations[0], api)


def test_the_pace_follows_what_is_usual_and_keeps_its_bounds():
    pace = WorkloadPace()
    for _ in range(100):
        pace.learn(1.0)
    assert 0.7 < pace.first_look_s < 0.9
    for _ in range(100):
        pace.learn(60.0)
    assert (pace.first_look_s, pace.next_look_s) == (2.0, 0.5)
