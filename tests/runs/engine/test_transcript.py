"""What is sent back to the model is always acceptable to the API, whatever it has answered."""

import json
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentops.offline.request import check_request
from agentops.offline.shapes import OTHERS
from agentops.offline.signatures import SIGNED
from agentops.offline.transcript import check_transcript
from runs.engine.transcript import NO_WORDS, messages_of
from runs.engine.valid_blocks import Ids, acceptable, without_tools
from runs.models import Step
from runs.models.fields import dump_json
from runs.states import StepKind, StepStatus

WORDS = st.sampled_from(["", " ", "\n", "ok", "ok ", " \u2003", "a\x00b"]) | st.text(max_size=3)
IDS = st.sampled_from(["toolu_1", "toolu_2", "call_1", "call_2", "functions.put:0", "", "x" * 126, None, 7]) | st.text(
    max_size=3
)
NAMES = st.sampled_from(["put", "functions.put:0", "", "p" * 10_000, None, "grüße"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def blocks():
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("text"), "text": WORDS}, optional={"citations": VALUES, "index": st.just(0)}
        ),
        st.fixed_dictionaries(
            {"type": st.just("tool_use"), "id": IDS, "name": NAMES, "input": VALUES},
            optional={"caller": st.none() | st.just({"type": "direct"}), "extra": VALUES},
        ),
        st.fixed_dictionaries(
            {"type": st.just("thinking"), "thinking": WORDS}, optional={"signature": WORDS, "extra": VALUES}
        ),
        st.fixed_dictionaries({"type": st.just("redacted_thinking")}, optional={"data": WORDS}),
        st.fixed_dictionaries(
            {"type": st.just("server_tool_use"), "id": IDS, "name": NAMES, "input": VALUES},
        ),
        st.fixed_dictionaries({"type": st.just("web_search_tool_result"), "tool_use_id": IDS, "content": VALUES}),
        st.fixed_dictionaries({"type": st.sampled_from(["hologram", "tool_result", "image", "", "server_tool_use"])}),
    )


ANSWERS = st.lists(
    st.tuples(st.lists(blocks(), max_size=5), st.sampled_from(["end_turn", "tool_use", "pause_turn", "stop_sequence"])),
    max_size=4,
)


def steps_of(answers, *, result="ok", words="Go on."):
    """Record answers as the engine does, each call done, and a person's words after each turn that ended without."""
    steps = []

    def add(kind, result, **columns):
        steps.append(Step(seq=len(steps) + 1, kind=kind, status=StepStatus.COMPLETED, result=result, **columns))

    for content, reason in answers:
        add(StepKind.MODEL_CALL, {"content": content, "stop_reason": reason})
        calls = [block for block in content if block["type"] == "tool_use"]
        for block in calls:
            taken = Ids(step.tool_use_id for step in steps)
            add(StepKind.TOOL_CALL, {"text": result}, tool_use_id=taken.take(block["id"]))
        if not calls and reason != "pause_turn":
            add(StepKind.WAIT, {"text": words})
    return steps


def check(messages, answers):
    """Ask the offline model's own rules. JSON first, as it goes over the wire."""
    sent = json.loads(dump_json(messages), parse_constant=pytest.fail)
    check_request({"model": "claude-opus-5-5", "max_tokens": 1, "messages": sent})
    check_transcript(sent, may_continue=bool(answers) and answers[-1][1] == "pause_turn")
    for message in sent:
        assert {block["type"] for block in message["content"]} <= OTHERS | {"text", "tool_use", "tool_result", *SIGNED}


@settings(deadline=None)
@example([([{"type": "text", "text": "ok", "citations": [{"": float("inf")}]}], "end_turn")], "Hello", "ok", "Go on.")
@given(ANSWERS, WORDS, WORDS, WORDS)
def test_whatever_a_model_answers_the_transcript_is_acceptable_and_always_the_same(answers, prompt, result, words):
    steps = steps_of(answers, result=result, words=words)

    messages = messages_of(prompt, steps)

    check(messages, answers)
    check(without_tools(messages), answers)
    assert dump_json(messages) == dump_json(messages_of(prompt, steps))
    assert not [b for m in without_tools(messages) for b in m["content"] if b["type"].startswith("tool_")]


@settings(deadline=None)
@given(ANSWERS, ANSWERS)
def test_a_conversation_that_goes_on_in_another_run_is_acceptable_too(first, then):
    ended = [*first, ([{"type": "text", "text": "Bye."}], "end_turn")]
    before = messages_of("Hello", steps_of(ended))

    messages = messages_of("And now?", steps_of(then), before=before)

    check(messages, then)
    assert messages[: len(before) - 1] == before[:-1], "what was sent once stays as it was"


@settings(deadline=None)
@given(ANSWERS)
def test_what_comes_later_changes_nothing_of_what_was_sent(answers):
    sent = dump_json([])
    for count in range(len(answers) + 1):
        messages = messages_of("Hello", steps_of(answers[:count]))
        blocks = [[message["role"], block] for message in messages for block in message["content"]]
        assert dump_json(blocks).startswith(sent[:-1])
        sent = dump_json(blocks)


FINE = [
    {"type": "thinking", "thinking": "", "signature": "c2ln"},
    {"type": "text", "text": " Let me see. ", "citations": None},
    {"type": "tool_use", "id": "toolu_1", "name": "put", "input": {"b": 1, "a": [None]}, "caller": {"type": "direct"}},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "x"}]},
    {"type": "tool_use", "id": "toolu_2", "name": "put", "input": {}},
]


def test_what_the_api_takes_is_sent_back_untouched():
    kept = acceptable(FINE, ["toolu_1", "toolu_2"], is_paused=False)

    assert dump_json(kept) == dump_json(FINE)


def test_calls_keep_their_results_under_ids_that_each_is_there_once():
    call = {"type": "tool_use", "id": "call_0", "name": "functions.put:0", "input": [1]}
    steps = steps_of([([call, call], "tool_use"), ([call], "tool_use")])
    for number, step in enumerate(steps):
        if step.kind == StepKind.TOOL_CALL:
            step.result = {"text": f"result {number}"}
            step.tool_use_id = "call_0"  # as runs were recorded before

    _, asked, told, again, told_again = messages_of("Hello", steps)

    ids = [block["id"] for block in asked["content"] + again["content"]]
    assert len(set(ids)) == 3 and ids[0] == "call_0"
    assert [b["tool_use_id"] for b in told["content"] + told_again["content"]] == ids
    assert [b["content"] for b in told["content"] + told_again["content"]] == ["result 1", "result 2", "result 4"]
    assert {b["name"] for b in asked["content"]} == {"functions_put_0"} and asked["content"][0]["input"] == {
        "input": [1]
    }


def test_a_thought_behind_a_changed_block_is_left_out():
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    said = {"type": "text", "text": "Done."}

    assert acceptable([thought, {"type": "text", "text": " "}, thought, said], [], is_paused=False) == [thought, said]
    assert acceptable([thought, said, thought], [], is_paused=False) == [thought, said]


def test_one_side_of_a_providers_call_does_not_go_without_the_other():
    use, result = FINE[3], {**FINE[4], "content": None}

    assert acceptable([use, result], [], is_paused=False) == []


def test_a_person_who_said_nothing_in_a_run_of_before_is_heard_as_that():
    messages = messages_of(" ", steps_of([([{"type": "text", "text": "Well?"}], "end_turn")], words="\n"))

    assert [message["content"][0]["text"] for message in messages] == [NO_WORDS, "Well?", NO_WORDS]


def test_an_id_of_an_offline_conversation_is_no_surprise():
    ids = Ids(["call_2"])

    assert [ids.take(None), ids.take("call_2"), ids.take(f"toolu_{uuid4().hex}")[:6]] == ["call_3", "call_4", "toolu_"]
