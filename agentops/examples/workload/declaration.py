"""The agent of a workload folder: its policy is the system prompt, its tools return what was recorded."""

from pathlib import Path
from typing import Any

from agentops.examples.workload.folder import (
    CONVERSATIONS,
    FolderError,
    read_conversations,
    read_policy,
    read_tools,
)
from runs.registry import Agent, Tool, ToolError, tool

NAME = "workload"
MODEL = "claude-sonnet-5-5"
READS = ("get_", "list_", "search_", "calculate", "think")  # how the names of tools that only read begin


def workload_agent(folder: Path) -> type[Agent]:
    """Make the agent class of a folder; the caller registers it.

    Raises: FolderError naming file and line; DeclarationError for a tool that cannot be declared.
    """
    results = recorded_results(folder)

    class WorkloadAgent(Agent):
        """Replays recorded conversations; each run is one of them."""

        name = NAME
        model = MODEL
        system = read_policy(folder)
        tools = [_tool(definition, results) for definition in read_tools(folder)]
        input_schema = {
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 1},
                "conversation": {"type": "string", "minLength": 1},
            },
            "required": ["text", "conversation"],
            "additionalProperties": False,
        }
        converses = True
        max_steps = 100
        max_cost_usd = None
        queue = "agents"

        def prompt(self, input: dict[str, Any]) -> str:
            """Begin with the customer's first words."""
            return str(input["text"])

        def end_user(self, input: dict[str, Any]) -> str:
            """Name the conversation, so that the offline model knows which recording to serve."""
            return str(input["conversation"])

    return WorkloadAgent


def effect_of(definition: dict[str, Any]) -> str:
    """Choose the effect class of a tool: its own `effect` if it names one, else by its name.

    What begins like a reader's name reads; of everything else nobody can know, so it is unsafe.
    """
    if "effect" in definition:
        return str(definition["effect"])
    return "read" if str(definition["name"]).startswith(READS) else "unsafe"


def recorded_results(folder: Path) -> dict[str, str]:
    """Gather the recorded result of every call by its `tool_use` id.

    Raises: FolderError, also for an id that occurs twice, since it could not tell two results apart.
    """
    results: dict[str, str] = {}
    for line, conversation in read_conversations(folder):
        for identifier, text in _results_in(conversation):
            if not isinstance(text, str):
                problem = f"the result of {identifier} is not a text"
            elif identifier in results:
                problem = f"the tool_use id {identifier} occurs twice"
            else:
                results[identifier] = text
                continue
            raise FolderError(folder / CONVERSATIONS, problem, line=line)
    return results


def _results_in(conversation: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (str(block.get("tool_use_id")), block.get("content"))
        for turn in conversation["turns"]
        if isinstance(turn, dict) and isinstance(turn.get("content"), list)
        for block in turn["content"]
        if isinstance(block, dict) and block.get("type") == "tool_result"
    ]


def _tool(definition: dict[str, Any], results: dict[str, str]) -> Tool:
    def replay(context: Any, /, **arguments: Any) -> str:
        """Return the result that was recorded for this very call."""
        try:
            return results[context.tool_use_id]
        except KeyError:
            raise ToolError(f"no result was recorded for the call {context.tool_use_id}") from None

    return tool(
        name=definition["name"],
        description=definition["description"],
        input_schema=definition["input_schema"],
        function=replay,
        effect=effect_of(definition),
    )
