"""Script files: what is refused, and how it is said."""

import json

import pytest

from agentops.offline.script_file import ScriptError, load_scripts
from agentops.offline.scripts import Script

TEXT = {"type": "text", "text": "Hi"}


def turn(**fields):
    return {"name": "s", "turns": [{"content": [TEXT], **fields}]}


@pytest.mark.parametrize(
    ("script", "field"),
    [
        ([], "script"),
        ({"turns": []}, "name"),
        ({"name": ""}, "name"),
        ({"name": "s", "trun": []}, "script.trun"),
        ({"name": "s", "turns": {}}, "turns"),
        ({"name": "s", "when": {"user": "x"}}, "when.user"),
        ({"name": "s", "when": {"model": 5}}, "when.model"),
        ({"name": "s", "turns": [{}]}, "turns.0.content"),
        ({"name": "s", "turns": [{"content": ["x"]}]}, "turns.0.content.0"),
        ({"name": "s", "turns": [{"content": [{"text": "x"}]}]}, "turns.0.content.0.type"),
        ({"name": "s", "turns": [{"content": [{"type": "text", "text": ""}]}]}, "turns.0.content.0.text"),
        (
            {"name": "s", "turns": [{"content": [{"type": "tool_use", "input": {}}]}]},
            "turns.0.content.0.name",
        ),
        (
            {"name": "s", "turns": [{"content": [{"type": "tool_use", "name": "f"}]}]},
            "turns.0.content.0.input",
        ),
        ({"name": "s", "turns": None}, "turns"),
        ({"name": "s", "faults": None}, "faults"),
        (turn(faults=None), "turns.0.faults"),
        (turn(as_written=None), "turns.0.as_written"),
        (turn(delay_s=None), "turns.0.delay_s"),
        (turn(stop_reason=5), "turns.0.stop_reason"),
        (turn(stop_reason=""), "turns.0.stop_reason"),
        (turn(faults=[{"kind": "cut", "times": None}]), "turns.0.faults.0.times"),
        (turn(faults=[{"kind": "cut", "seconds": None}]), "turns.0.faults.0.seconds"),
        (turn(delay_s=-1), "turns.0.delay_s"),
        (turn(faults={}), "turns.0.faults"),
        (turn(faults=[{"kind": "flood"}]), "turns.0.faults.0.kind"),
        (turn(faults=[{"kind": []}]), "turns.0.faults.0.kind"),
        (turn(faults=[{"kind": "cut", "times": 1.5}]), "turns.0.faults.0.times"),
        (turn(faults=[{"kind": "cut", "seconds": 1}]), "turns.0.faults.0.seconds"),
        (turn(faults=[{"kind": "cut", "after_events": "3"}]), "turns.0.faults.0.after_events"),
        (turn(faults=[{"kind": "hang", "after": "lunch"}]), "turns.0.faults.0.after"),
        (turn(faults=[{"kind": "drip", "seconds_per_byte": "slow"}]), "turns.0.faults.0.seconds_per_byte"),
        (
            {"name": "s", "otherwise": {"content": [{"type": "text", "text": "{{who}}"}]}},
            "otherwise.content.0.text",
        ),
        ({"name": "s", "faults": [{"kind": "overloaded", "status": 5}]}, "faults.0.status"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(tmp_path, script, field):
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(script))

    with pytest.raises(ScriptError) as raised:
        load_scripts([tmp_path])

    assert str(raised.value).startswith(f"{file}: {field}: ")
    assert "instance of" not in str(raised.value)


def test_a_file_that_is_not_json_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")

    with pytest.raises(ScriptError, match=r"broken\.json: file: not valid JSON"):
        load_scripts([tmp_path])


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(ScriptError, match="no such file"):
        load_scripts([tmp_path / "nowhere"])


def test_two_scripts_of_one_name_are_refused(tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps({"name": "same"}))

    with pytest.raises(ScriptError, match=r"b\.json: name"):
        load_scripts([tmp_path])


def test_scripts_come_from_directories_files_and_mappings(tmp_path):
    (tmp_path / "folder").mkdir()
    for file, name in ((tmp_path / "folder" / "a.json", "a"), (tmp_path / "b.json", "b")):
        file.write_text(json.dumps({"name": name}))

    scripts = load_scripts([tmp_path / "folder", tmp_path / "b.json", {"name": "c"}])

    assert [script.name for script in scripts] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "stop_reason"),
    [
        ([TEXT], "end_turn"),
        ([TEXT, {"type": "tool_use", "name": "f", "input": {}}], "tool_use"),
        ([], "end_turn"),
    ],
)
def test_the_stop_reason_follows_from_the_content(content, stop_reason):
    (script,) = load_scripts([{"name": "s", "turns": [{"content": content}]}])

    assert script.turns[0].stop_reason == stop_reason


def test_parts_that_may_be_null_have_their_defaults():
    script = {**turn(stop_reason=None), "when": None, "otherwise": None}

    (script,) = load_scripts([script])

    assert script == Script.model_validate(turn())


def test_stop_details_are_served_as_they_are():
    (script,) = load_scripts([turn(stop_details=None)])

    assert script.turns[0].extras == {"stop_details": None}


def test_an_option_that_is_null_has_its_default():
    fault = {"kind": "hang", "seconds": None, "after": "headers", "for_s": None}

    (script,) = load_scripts([{"name": "s", "faults": [fault]}])

    assert script.faults[0].model_dump(include={"seconds", "after"}) == {"seconds": 30, "after": "headers"}
