"""Playing one conversation through the API: post it, answer what the agent asks, read what happened."""

import time
from dataclasses import dataclass, field

from agentops.examples.workload.declaration import NAME
from agentops.lab.workload.client import UnreachableError, WorkloadApiError, WorkloadClient
from agentops.lab.workload.conversations import Conversation, Json
from agentops.lab.workload.pace import WorkloadPace
from runs.states import Lane

_ENDED = ("completed", "failed", "cancelled")
_SILENCE_S = 120.0  # a run without a sign of life for this long is given up


class _GivenUpError(Exception):
    """The conversation cannot be played to its end."""


class _NeedsPersonError(_GivenUpError):
    """The run waits for a decision that no recording can take."""


@dataclass(slots=True)
class Played:
    """What became of one conversation. `problem` says why it did not complete."""

    conversation: str
    tenant: str
    run: Json = field(default_factory=dict)
    steps: list[Json] = field(default_factory=list)
    problem: str | None = None
    needs_person: bool = False

    @property
    def run_id(self) -> str | None:
        """The run, if it was posted at all."""
        return self.run.get("id")

    @property
    def completed(self) -> bool:
        """Whether it was played to its end."""
        return self.problem is None


def play(
    conversation: Conversation, client: WorkloadClient, *, tenant: str, label: str, lane: Lane, pace: WorkloadPace
) -> Played:
    """Play a conversation; the result says what went wrong.

    Raises: StoppedError when the replay is stopped.
    """
    played = Played(conversation.id, tenant)
    try:
        played.run = client.post_run(_body(conversation, label, lane), key=f"{NAME}-{label}-{conversation.id}")
        _converse(conversation, client, played, pace)
    except _GivenUpError as error:
        played.problem, played.needs_person = str(error), isinstance(error, _NeedsPersonError)
    except (WorkloadApiError, UnreachableError) as error:
        played.problem = f"the API: {error}"
    try:
        if played.run_id:
            played.steps = client.steps(played.run_id)
    except (WorkloadApiError, UnreachableError) as error:
        played.problem = played.problem or f"the steps cannot be read: {error}"
    return played


def _body(conversation: Conversation, label: str, lane: Lane) -> Json:
    return {
        "job_type": NAME,
        "lane": lane,
        "input": {"text": conversation.first_text, "conversation": conversation.id},
        "metadata": {"replay": label, "conversation": conversation.id},
    }


def _converse(conversation: Conversation, client: WorkloadClient, played: Played, pace: WorkloadPace) -> None:
    answers, said = conversation.answers, 0
    while True:
        played.run = _next_stop(client, played.run["id"], pace)
        if played.run["status"] in _ENDED:
            break
        if said == len(answers):
            raise _GivenUpError("the agent asks, but the recording holds no further answer")
        said = _answer(conversation, client, played.run["id"], said)
    if played.run["status"] != "completed":
        error = played.run.get("last_error") or {}
        raise _GivenUpError(f"{played.run['status']}: {error.get('type')}: {error.get('message')}")
    if said < len(answers):
        raise _GivenUpError(f"completed after {said} of {len(answers)} answers")


def _next_stop(client: WorkloadClient, run_id: str, pace: WorkloadPace) -> Json:
    """Look at a run until it has ended or asks."""
    begun_at = alive_at = time.monotonic()
    before, delay_s = "", pace.first_look_s
    while True:
        client.pause(delay_s)
        run, delay_s = client.run(run_id), pace.next_look_s
        if run["status"] in _ENDED or (run["status"] == "waiting_for_confirmation" and _asks(run)):
            pace.learn(time.monotonic() - begun_at)
            return run
        signs = f"{run['status']} {run['usage']} {run['attempts']} {run['progress']}"
        if signs != before:
            alive_at, before = time.monotonic(), signs
        elif time.monotonic() - alive_at > _SILENCE_S:
            reasons = "; ".join(reason["message"] for reason in run["why"]) or "nobody says why"
            raise _GivenUpError(f"{run['status']} without a sign of life for {_SILENCE_S:g} s: {reasons}")


def _asks(run: Json) -> bool:
    """Say whether a question is open. Raises: _NeedsPersonError for a decision of another kind."""
    others = [reason for reason in run["why"] if reason["code"] != "question"]
    if others:
        actions = ", ".join(run["open_actions"])
        raise _NeedsPersonError(f"{others[0]['code']}: {others[0]['message']} (action {actions})")
    return bool(run["why"])


def _answer(conversation: Conversation, client: WorkloadClient, run_id: str, said: int) -> int:
    """Say the next recorded text; return how many are said now."""
    answer = conversation.answers[said]
    try:
        client.answer(run_id, answer.text, end=answer.is_last_word)
    except UnreachableError:
        # It may have been taken and the next question be open already: only the steps can tell.
        waits = [step for step in client.steps(run_id) if step["kind"] == "wait"]
        return sum(step["status"] == "completed" for step in waits)
    return said + 1
