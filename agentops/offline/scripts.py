"""Scripts: which one answers a conversation, and which of its turns is next. Files are read elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from agentops.offline.conversation import Conversation
from agentops.offline.faults import Fault
from agentops.offline.jsontext import JsonObject

PAUSES = frozenset({"pause_turn", "compaction"})  # the turn is sent back, and goes on


@dataclass(frozen=True, kw_only=True)
class ScriptedTurn:
    """One answer of a script: what is said, why it stops, after how long and through which faults.

    Shape: `extras` are further message fields, such as `stop_sequence` and `stop_details`. What is to be said
    `as_written` has no templates and need not be what the API would ever say.
    """

    content: list[JsonObject]
    stop_reason: str
    delay_s: float = 0.0
    faults: tuple[Fault, ...] = ()
    extras: JsonObject | None = None
    as_written: bool = False


@dataclass(frozen=True, kw_only=True)
class When:
    """The conditions of a script; those given must all hold."""

    system_contains: str | None = None
    first_user_contains: str | None = None
    model: str | None = None
    user_id: str | None = None

    def matches(self, conversation: Conversation) -> bool:
        """Tell whether every given condition holds."""
        return all(
            (
                self.system_contains is None or self.system_contains in conversation.system_text,
                self.first_user_contains is None or self.first_user_contains in conversation.first_user_text,
                self.model is None or self.model == conversation.model,
                self.user_id is None or self.user_id == conversation.user_id,
            )
        )

    @property
    def weight(self) -> tuple[int, int]:
        """Return how specific the conditions are: their number, then the length of their strings."""
        conditions = (self.system_contains, self.first_user_contains, self.model, self.user_id)
        given = [condition for condition in conditions if condition is not None]
        return len(given), sum(map(len, given))


def plain_turn(text: str) -> ScriptedTurn:
    """Make a turn that says one text and ends."""
    return ScriptedTurn(content=[{"type": "text", "text": text}], stop_reason="end_turn")


ENDED = plain_turn("(the script has ended)")


@dataclass(frozen=True, kw_only=True)
class Script:
    """A conversation as the model will hold its side of it."""

    name: str
    when: When
    turns: tuple[ScriptedTurn, ...]
    otherwise: ScriptedTurn = ENDED
    faults: tuple[Fault, ...] = ()

    def position(self, conversation: Conversation) -> int:
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

    def may_continue(self, conversation: Conversation) -> bool:
        """Tell whether the conversation ends with a turn that this script paused."""
        if not conversation.ends_with_assistant:
            return False
        return self.turn(self.position(conversation) - 1).stop_reason in PAUSES

    def faults_of(self, turn: ScriptedTurn) -> tuple[Fault, ...]:
        """Return the faults a turn goes through: the script's, then its own."""
        return self.faults + turn.faults


NO_SCRIPT = Script(
    name="(no script)",
    when=When(),
    turns=(),
    otherwise=plain_turn("I am the offline model and I have no script for this conversation. You wrote: {{user}}"),
)


def best_script(scripts: Iterable[Script], conversation: Conversation) -> Script:
    """Choose the most specific script that matches; without one the offline model answers for itself."""
    matching = [script for script in scripts if script.when.matches(conversation)]
    return max(matching, key=lambda script: script.when.weight, default=NO_SCRIPT)
