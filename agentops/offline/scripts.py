"""Scripts: when one answers, and what it says turn by turn. `script_file.py` reads them."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticUseDefault

from agentops.offline.conversation import OfflineConversation, template_error
from agentops.offline.faults import Fault, Seconds
from agentops.offline.jsontext import JsonObject
from agentops.offline.shapes import Exact, Text, Typed

PAUSES = frozenset({"pause_turn", "compaction"})  # the turn is sent back, and goes on


def _known_templates(value: Any) -> Any:
    if problem := template_error(value):
        raise PydanticCustomError("template", "{problem}", {"problem": problem})
    return value


class _Said(Typed):
    text: Annotated[Text, AfterValidator(_known_templates)]


class _Called(Typed):
    name: str
    input: Annotated[JsonObject, AfterValidator(_known_templates)]


_BLOCKS: dict[str, type[Typed]] = {"text": _Said, "tool_use": _Called, "server_tool_use": _Called}


def _block(block: JsonObject, info: ValidationInfo) -> JsonObject:
    as_written = info.data.get("as_written")
    shape = Typed if as_written else _BLOCKS.get(str(block.get("type")), Typed)
    shape.model_validate(block)
    return block


def _default_for_null(value: Any) -> Any:
    if value is None:
        raise PydanticUseDefault
    return value


_NullIsDefault = BeforeValidator(_default_for_null)


def _stop_reason(turn: dict[str, Any]) -> str:
    calls = any(block["type"] == "tool_use" for block in turn.get("content", ()))
    return "tool_use" if calls else "end_turn"


class ScriptedTurn(Exact):
    """One answer of a script: what is said, why it stops, after how long and through which faults.

    What is to be said `as_written` has no templates and need not be what the API would ever say.
    """

    is_recorded: ClassVar[bool] = False

    as_written: bool = False
    content: list[Annotated[JsonObject, AfterValidator(_block)]]
    stop_reason: Annotated[Text, _NullIsDefault] = Field(default_factory=_stop_reason)
    stop_sequence: Any = None
    stop_details: Any = None
    delay_s: Seconds = 0.0
    faults: list[Fault] = []

    @property
    def extras(self) -> JsonObject:
        """Return the stop fields that the script names; null is a value like any other."""
        return self.model_dump(include={"stop_sequence", "stop_details"}, exclude_unset=True)


class When(Exact):
    """The conditions of a script; those given must all hold."""

    system_contains: Text | None = None
    first_user_contains: Text | None = None
    model: Text | None = None
    user_id: Text | None = None

    def matches(self, conversation: OfflineConversation) -> bool:
        """Tell whether every given condition holds."""
        return (
            (self.system_contains or "") in conversation.system_text
            and (self.first_user_contains or "") in conversation.first_user_text
            and self.model in (None, conversation.model)
            and self.user_id in (None, conversation.user_id)
        )

    @property
    def weight(self) -> tuple[int, int]:
        """Return how specific the conditions are: their number, then the length of their strings."""
        given = self.model_dump(exclude_none=True).values()
        return len(given), sum(map(len, given))


def _says(text: str) -> ScriptedTurn:
    return ScriptedTurn(content=[{"type": "text", "text": text}])


class Script(Exact):
    """A conversation as the model will hold its side of it."""

    name: Text
    when: Annotated[When, _NullIsDefault] = When()
    turns: list[ScriptedTurn] = []
    otherwise: Annotated[ScriptedTurn, _NullIsDefault] = _says("(the script has ended)")
    faults: list[Fault] = []

    def position(self, conversation: OfflineConversation) -> int:
        """Count the scripted turns the conversation has already had.

        Consecutive assistant messages are one turn, except that each paused turn was followed by another one.
        """
        taken = 0
        for group in conversation.assistant_turns:
            blocks = len(group.blocks)
            paused = True
            # Clients may append a continuation to the paused message or after it, so blocks are counted.
            while paused and (blocks > 0 or group.blocks == []):
                turn = self.turn(taken)
                taken += 1
                blocks -= max(1, len(turn.content))
                paused = turn.stop_reason in PAUSES and blocks > 0
        return taken

    def turn(self, position: int) -> ScriptedTurn:
        """Return the turn at a position; beyond the last one it is `otherwise`."""
        return self.turns[position] if position < len(self.turns) else self.otherwise

    def may_continue(self, conversation: OfflineConversation) -> bool:
        """Tell whether the conversation ends with a turn that this script paused."""
        if not conversation.ends_with_assistant:
            return False
        return self.turn(self.position(conversation) - 1).stop_reason in PAUSES


NO_SCRIPT = Script(
    name="(no script)",
    otherwise=_says("I am the offline model and I have no script for this conversation. You wrote: {{user}}"),
)


def best_script(scripts: Iterable[Script], conversation: OfflineConversation) -> Script:
    """Choose the most specific script that matches; without one the offline model answers for itself."""
    matching = [script for script in scripts if script.when.matches(conversation)]
    return max(matching, key=lambda script: script.when.weight, default=NO_SCRIPT)
