"""What the offline model says in `chaos`, made from the seed: some variants of a run, each with its own trouble."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

EFFECTS = ("look", "put", "book", "send")
_THINKS_S = 0.25  # an agent mostly waits for its model
_DONE: Json = {"content": [{"type": "text", "text": "Done."}], "delay_s": 0.1}
_REFUSED: Json = {
    "content": [{"type": "text", "text": "No."}],
    "stop_reason": "refusal",
    "stop_details": {"type": "refusal", "category": "other", "explanation": "The script wants it."},
}

# What each variant of a run is about, and how it must end.
WANTED = {
    "single": "completed",
    "together": "completed",
    "approval": "completed",
    "overloaded": "completed",
    "cut": "completed",
    "question": "completed",
    "refused": "failed",
}


def scripts_of(seed: int) -> list[Json]:
    """Draw one script for each variant; the same seed draws the same ones."""
    dice = random.Random(f"scripts {seed}")  # noqa: S311 (a plan, no secret)
    turns = {
        "single": [_turn([name]) for name in _shuffled(dice)] + [_DONE],
        "together": [_turn(_shuffled(dice)), _turn(_some(dice, 2)), _DONE],
        "approval": [_turn([*_some(dice, 1), "refund", *_some(dice, 2)]), _turn(["refund"]), _DONE],
        "overloaded": [
            _turn(_some(dice, 2), faults=[{"kind": "overloaded"}]),
            _turn(_some(dice, 2), faults=[{"kind": "server_error"}]),
            _turn(_some(dice, 1)),
            _DONE,
        ],
        "cut": [
            _turn(_some(dice, 3)),
            _turn(_some(dice, 2), faults=[{"kind": "cut", "after_events": dice.randint(2, 5)}]),
            _DONE,
        ],
        "question": [_turn(["ask_human", *_some(dice, 3)]), _turn(_some(dice, 2)), _DONE],
        "refused": [_turn(_some(dice, 3)), _turn(_some(dice, 2)), _REFUSED],
    }
    return [
        {"name": f"chaos {variant}", "when": {"first_user_contains": f"variant {variant};"}, "turns": _numbered(said)}
        for variant, said in turns.items()
    ]


def write_scripts(seed: int, folder: Path) -> Path:
    """Write the scripts where the offline model finds them."""
    folder.mkdir(exist_ok=True)
    for script in scripts_of(seed):
        (folder / f"{script['name'].replace(' ', '_')}.json").write_text(json.dumps(script, indent=1))
    return folder


def _turn(tools: Sequence[str], **more: Any) -> Json:
    return {"content": [{"type": "tool_use", "name": name, "input": {}} for name in tools], "delay_s": _THINKS_S} | more


def _numbered(turns: Sequence[Json]) -> list[Json]:
    """Give every call its operation, which is unique within the run."""
    numbered = []
    for number, turn in enumerate(turns, 1):
        content = [_named(block, f"{number}.{place}") for place, block in enumerate(turn["content"], 1)]
        numbered.append(turn | {"content": content})
    return numbered


def _named(block: Json, op: str) -> Json:
    if block["type"] != "tool_use":
        return block
    is_question = block["name"] == "ask_human"
    return block | {"input": {"question": "May I go on?"} if is_question else {"op": op}}


def _shuffled(dice: random.Random) -> list[str]:
    return dice.sample(EFFECTS, len(EFFECTS))


def _some(dice: random.Random, count: int) -> list[str]:
    """Choose effects that change something; reading alone proves little."""
    return dice.choices(EFFECTS[1:], k=count)
