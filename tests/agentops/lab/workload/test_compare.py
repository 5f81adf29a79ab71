"""Folder, steps and requests: agreement is silent, and one byte anywhere is not."""

import copy

import pytest

from agentops.examples.workload.folder import FolderError
from agentops.lab.workload.compare import compare
from agentops.lab.workload.conversations import read_workload
from agentops.lab.workload.findings import received_of

PLACES = range(3)


def found(workload, place, steps, entries):
    conversation = workload.conversations[place]
    return compare(workload, conversation, steps, [received_of(entry) for entry in entries])


def strings(value, path=()):
    """The paths of all texts inside a JSON value, the keys of objects included."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, ("key", key))
            yield from strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, (*path, index))


def other(text):
    """The same text with one byte changed, or one added to an empty one."""
    return chr(ord(text[0]) ^ 1) + text[1:] if text else "x"


def changed(value, path):
    """A copy in which the text, or the key, at this path differs by one byte."""
    value = copy.deepcopy(value)
    *way, last = path
    inside = value
    for part in way:
        inside = inside[part]
    if isinstance(last, tuple):
        items = [(other(key) if key == last[1] else key, item) for key, item in inside.items()]
        inside.clear()
        inside.update(items)
    else:
        inside[last] = other(inside[last])
    return value


@pytest.mark.parametrize("place", PLACES)
def test_a_faithful_replay_has_no_findings(workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]

    comparison = found(workload, place, steps_of(workload, conversation), entries_of(workload, conversation))

    assert comparison.differences == []
    assert comparison.notes == []


@pytest.mark.parametrize("place", PLACES)
def test_one_byte_anywhere_in_the_folders_conversation_is_found(recorded, write, workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    paths = list(strings(recorded[place]))

    silent = []
    for path in paths:
        altered = [*recorded[:place], changed(recorded[place], path), *recorded[place + 1 :]]
        try:
            if not found(read_workload(write(altered)), place, steps, entries).differences:
                silent.append(path)
        except (FolderError, KeyError):
            pass  # refused before anything is compared

    assert len(paths) > 30
    assert silent == []


@pytest.mark.parametrize("place", PLACES)
def test_one_byte_anywhere_in_the_folders_policy_and_tools_is_found(
    write, policy, tools, workload, steps_of, entries_of, place
):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    silent = []
    for path in strings(tools):
        try:
            altered = read_workload(write(tools=changed(tools, path)))
        except FolderError:
            continue
        if not found(altered, place, steps, entries).differences:
            silent.append(path)
    for at in range(len(policy)):
        altered = read_workload(write(policy=policy[:at] + other(policy[at]) + policy[at + 1 :]))
        if not found(altered, place, steps, entries).differences:
            silent.append(at)

    assert silent == []


@pytest.mark.parametrize("place", PLACES)
def test_one_byte_anywhere_in_the_steps_is_found(workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    paths = list(strings(steps))

    silent = [path for path in paths if not found(workload, place, changed(steps, path), entries).differences]

    assert len(paths) > 30
    assert silent == []


@pytest.mark.parametrize("place", PLACES)
def test_one_byte_anywhere_in_the_received_requests_is_found(workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    bodies = [entry["body"] for entry in entries]
    paths = [path for path in strings(bodies) if "cache_control" not in path and path[-1] != ("key", "max_tokens")]

    silent = []
    for path in paths:
        altered = [{**entry, "body": body} for entry, body in zip(entries, changed(bodies, path), strict=True)]
        if not found(workload, place, steps, altered).differences:
            silent.append(path)

    assert len(paths) > 50
    assert silent == []


def test_numbers_of_other_types_and_keys_in_another_order_are_differences(workload, steps_of, entries_of):
    conversation = workload.conversations[1]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    call = next(step for step in steps if step["kind"] == "tool_call")

    for arguments in ({"title": "Zébra", "days": 1}, {"days": 1.0, "title": "Zébra"}, {"title": "Zébra", "days": True}):
        altered = [{**step, "arguments": arguments} if step is call else step for step in steps]
        assert len(found(workload, 1, altered, entries).differences) == 1


@pytest.mark.parametrize("place", PLACES)
def test_every_missing_step_is_found(workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)

    for gone in range(len(steps)):
        assert found(workload, place, steps[:gone] + steps[gone + 1 :], entries).differences


@pytest.mark.parametrize("place", PLACES)
def test_every_step_too_many_is_found(workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)

    for at in range(len(steps)):
        assert found(workload, place, [*steps[: at + 1], *steps[at:]], entries).differences


def test_a_tool_call_that_happened_twice_is_named(workload, steps_of, entries_of):
    conversation = workload.conversations[1]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    call = next(step for step in steps if step["kind"] == "tool_call")

    differences = found(workload, 1, [*steps, {**call, "seq": len(steps) + 1}], entries).differences

    assert any("toolu_2a: twice" in finding.what for finding in differences)


@pytest.mark.parametrize("place", PLACES)
def test_every_missing_request_is_found(workload, steps_of, entries_of, place):
    conversation = workload.conversations[place]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)

    for gone in range(len(entries)):
        differences = found(workload, place, steps, entries[:gone] + entries[gone + 1 :]).differences
        assert [finding.source for finding in differences] == ["requests"]
        assert "missing" in differences[0].what


def test_a_request_without_an_answer_does_not_count(workload, steps_of, entries_of):
    conversation = workload.conversations[0]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)

    for spoiled in ({"status": 400}, {"aborted": True}, {"fault": "cut"}):
        altered = [{**entries[0], **spoiled}, *entries[1:]]
        assert "missing" in found(workload, 0, steps, altered).differences[0].what


def test_a_request_beyond_the_last_turn_is_found(workload, steps_of, entries_of):
    conversation = workload.conversations[0]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    body = {**entries[-1]["body"], "messages": conversation.messages}

    differences = found(workload, 0, steps, [*entries, {**entries[-1], "body": body}]).differences

    assert "too many" in differences[0].what


def test_a_retried_model_call_is_a_note_if_its_step_says_so(workload, steps_of, entries_of):
    conversation = workload.conversations[0]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    lost = {**entries[0], "aborted": True}

    honest = found(workload, 0, [{**steps[0], "attempt": 2}, *steps[1:]], [lost, *entries])
    silent = found(workload, 0, steps, [lost, *entries])

    assert honest.differences == []
    assert [note.source for note in honest.notes] == ["steps", "requests"]
    assert "asked 2 times" in silent.differences[0].what


@pytest.mark.parametrize(("identifier", "is_difference"), [("toolu_3b", False), ("toolu_3c", True)])
def test_a_repeated_call_is_a_note_for_a_read_and_a_difference_for_an_effect(
    workload, steps_of, entries_of, identifier, is_difference
):
    conversation = workload.conversations[2]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    steps = [{**step, "attempt": 2} if step.get("tool_use_id") == identifier else step for step in steps]

    comparison = found(workload, 2, steps, entries)

    assert bool(comparison.differences) is is_difference
    assert bool(comparison.notes) is not is_difference
    assert all("repeated" in finding.what for finding in comparison.differences + comparison.notes)


def test_an_answer_that_came_with_another_message_is_found(workload, steps_of, entries_of):
    conversation = workload.conversations[0]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    entries[0]["response"] = {"id": "msg_of_somebody_else"}

    differences = found(workload, 0, steps, entries).differences

    assert "message id" in differences[0].what


def test_a_finding_says_conversation_source_turn_and_what(workload, steps_of, entries_of):
    conversation = workload.conversations[0]
    steps, entries = steps_of(workload, conversation), entries_of(workload, conversation)
    steps[1]["result"]["text"] = '{"shelf": 8}'

    (finding,) = found(workload, 0, steps, entries).differences

    assert str(finding).startswith("library-1, steps, turn 1: tool_call toolu_1a: text: recorded ")
    assert "7" in finding.what
    assert "8" in finding.what
