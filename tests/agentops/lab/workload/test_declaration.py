"""The agent of a folder: tools return what was recorded, and nothing else."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

from agentops.examples.workload.declaration import effect_of, workload_agent
from agentops.examples.workload.folder import FolderError
from runs.registry import ToolError


def test_the_agent_has_the_folders_policy_and_tools(write, policy, tools):
    agent = workload_agent(write())()

    agent.check()
    assert (agent.name, agent.queue, agent.converses) == ("workload", "agents", True)
    assert agent.system == policy
    assert [tool.definition for tool in agent.tools] == tools
    assert agent.prompt({"text": "Hi", "conversation": "library-1"}) == "Hi"
    assert agent.end_user({"text": "Hi", "conversation": "library-1"}) == "library-1"


def test_results_are_found_by_the_id_of_the_call(write):
    get_book = workload_agent(write())().tools_by_name["get_book"]

    for identifier, result in (("toolu_3a", ""), ("toolu_3b", "back")):
        assert get_book(SimpleNamespace(tool_use_id=identifier), title="Zébra") == result
    with pytest.raises(ToolError, match="toolu_x"):
        get_book(SimpleNamespace(tool_use_id="toolu_x"), title="Zébra")


def test_an_argument_may_be_called_context(write):
    get_book = workload_agent(write())().tools_by_name["get_book"]

    assert get_book(SimpleNamespace(tool_use_id="toolu_3b"), context="of the argument") == "back"


@pytest.mark.parametrize(
    ("definition", "effect"),
    [
        ({"name": "get_user"}, "read"),
        ({"name": "list_all"}, "read"),
        ({"name": "search_flights"}, "read"),
        ({"name": "calculate"}, "read"),
        ({"name": "think"}, "read"),
        ({"name": "send_certificate"}, "unsafe"),
        ({"name": "forget"}, "unsafe"),
        ({"name": "get_paid", "effect": "idempotent"}, "idempotent"),
    ],
)
def test_the_effect_is_the_tools_own_or_follows_from_its_name(definition, effect):
    assert effect_of(definition) == effect


def test_an_effect_in_the_folder_is_not_shown_to_the_model(write, tools):
    tools[0]["effect"] = "unsafe"

    get_book = workload_agent(write(tools=tools))().tools_by_name["get_book"]

    assert get_book.effect == "unsafe"
    assert "effect" not in get_book.definition


def test_an_id_that_occurs_twice_is_refused_with_its_line(write, recorded):
    again = {**recorded[0], "id": "library-4"}

    with pytest.raises(FolderError, match=r"conversations.jsonl:4: the tool_use id toolu_1a occurs twice"):
        workload_agent(write([*recorded, again]))


def test_the_app_names_file_and_line_of_a_broken_folder(write, settings):
    folder = write()
    (folder / "conversations.jsonl").write_text("{\n")
    settings.AGENTOPS_WORKLOAD = str(folder)

    with pytest.raises(ImproperlyConfigured, match=r"AGENTOPS_WORKLOAD: .*conversations.jsonl:1: is not JSON"):
        import agentops.examples.workload.agents  # noqa: F401


def test_the_app_needs_a_folder(settings):
    settings.AGENTOPS_WORKLOAD = ""

    with pytest.raises(ImproperlyConfigured, match="needs AGENTOPS_WORKLOAD"):
        import agentops.examples.workload.agents  # noqa: F401
