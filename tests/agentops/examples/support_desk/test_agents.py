"""The agents against the offline model: every declaration has a script, and every script works over the rows."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from agentops.examples.support_desk import agents
from agentops.examples.support_desk.models import CrmNote, OutboxMail, Refund
from agentops.offline import OfflineModel
from runs.registry import Agent, ToolError

SCRIPTS = Path(agents.__file__).with_name("scripts")
AGENTS = [
    value for value in vars(agents).values() if isinstance(value, type) and issubclass(value, Agent) and value.name
]
Answer = Callable[[str], str]


def _no_answer(question: str) -> str:
    raise AssertionError(f"nobody was to be asked: {question}")


@pytest.fixture(scope="module")
def client() -> Iterator[anthropic.Anthropic]:
    with (
        OfflineModel([SCRIPTS]) as model,
        anthropic.Anthropic(base_url=model.base_url, api_key="offline", max_retries=2) as client,
    ):
        yield client


@pytest.fixture
def talk(client, context, desk) -> Callable[..., Any]:
    """Let an agent work as the engine would, every call approved unless rejected."""

    def work(
        agent: Agent, input_: dict[str, Any], *, answer: Answer = _no_answer, reject: bool = False
    ) -> list[anthropic.types.Message]:
        messages: list[Any] = [{"role": "user", "content": agent.prompt(agent.validate_input(input_))}]
        said: list[anthropic.types.Message] = []
        while True:
            said.append(_ask(client, agent, messages))
            if said[-1].stop_reason != "tool_use":
                return said
            results = [
                _call(agent, block, context, answer, reject) for block in said[-1].content if block.type == "tool_use"
            ]
            messages += [
                {"role": "assistant", "content": said[-1].content},
                {"role": "user", "content": results},
            ]

    return work


def _ask(client: anthropic.Anthropic, agent: Agent, messages: list[Any]) -> anthropic.types.Message:
    return client.messages.create(
        model=agent.model,
        max_tokens=agent.max_tokens,
        system=agent.system,
        tools=[tool.definition for tool in agent.tools],
        messages=messages,
    )


def _call(agent: Agent, block: Any, context: Any, answer: Answer, reject: bool) -> dict[str, Any]:
    tool = agent.tools_by_name[block.name]
    arguments = tool.validate(block.input)
    context.effect_key = block.id
    if tool.asks_human:
        content: Any = answer(arguments["question"])
    elif reject and tool.needs_approval(context, arguments):
        content = "Rejected: not this time."
    else:
        try:
            content = tool(context, **arguments)
        except ToolError as error:
            content = f"The tool failed: {error}"
    text = content if isinstance(content, str) else json.dumps(content, default=str)
    return {"type": "tool_result", "tool_use_id": block.id, "content": text}


def _last_text(said: list[anthropic.types.Message]) -> str:
    return said[-1].content[-1].text


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_every_agent_has_a_script(agent):
    phrases = [json.loads(path.read_text())["when"]["system_contains"] for path in SCRIPTS.glob("*.json")]

    assert len({phrase for phrase in phrases if phrase in agent.system}) == 1


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_the_first_line_of_the_system_prompt_names_the_desk(agent):
    assert agent.system.startswith("You are the ")
    assert agent().check() is None


@pytest.mark.parametrize("account", [184, 207, 311, 358, 402, 519])
def test_a_summary_speaks_of_the_account_it_was_asked_for(talk, account):
    said = talk(agents.AccountSummary(), {"account": account})

    assert f"(account {account})" in _last_text(said)
    assert "?" not in _last_text(said).replace("How do I import a catalogue?", "").replace("yearly price?", "")


def test_the_summary_of_666_is_refused(talk):
    assert talk(agents.AccountSummary(), {"account": 666})[-1].stop_reason == "refusal"


def test_the_summary_of_an_unknown_account_says_so(talk):
    assert "There is no account 999." in _last_text(talk(agents.AccountSummary(), {"account": 999}))


def test_renewal_notes_are_saved_and_the_stage_moves(talk):
    said = talk(agents.RenewalNotes(), {"account": 184})

    kinds = set(CrmNote.objects.filter(effect_key__isnull=False).values_list("kind", flat=True))
    assert kinds == {"renewal", "update"}
    assert "went from open to contacted" in _last_text(said)


def test_research_asks_for_several_tools_in_one_turn(talk):
    said = talk(agents.AccountResearch(), {"account": 402})

    assert [block.type for block in said[0].content].count("tool_use") == 3
    assert "Kestrel Robotics" in _last_text(said)


@pytest.mark.parametrize(("invoice", "said"), [(1007, "480.00 USD of invoice 1007"), (1012, "129.00 USD of")])
def test_a_refund_looks_first_and_quotes_the_outcome(talk, invoice, said):
    turns = talk(agents.RefundAgent(), {"invoice": invoice, "reason": "it was charged twice"})

    assert turns[0].content[-1].name == "find_invoice"
    assert said in _last_text(turns)
    assert Refund.objects.get().reason == "The customer says: it was charged twice"


def test_a_rejected_refund_ends_politely(talk):
    said = talk(agents.RefundAgent(), {"invoice": 1007, "reason": "it was charged twice"}, reject=True)

    assert _last_text(said) == "The request about invoice 1007 is closed. Outcome: Rejected: not this time."
    assert not Refund.objects.exists()


def test_an_unclear_refund_asks_a_person(talk):
    talk(agents.RefundAgent(), {"invoice": 1007, "reason": "it is unclear"}, answer=lambda question: "The boss agreed.")

    assert Refund.objects.get().reason == "The boss agreed."


def test_a_follow_up_goes_to_the_contact(talk, mailoutbox):
    talk(agents.FollowUpEmail(), {"account": 311, "topic": "the SLA report"})

    assert mailoutbox[0].to == ["ops@harbor.example"]
    assert mailoutbox[0].subject == "Follow-up: the SLA report"


def test_a_follow_up_without_a_topic_asks_a_person(talk, mailoutbox):
    talk(agents.FollowUpEmail(), {"account": 311, "topic": "ask me"}, answer=lambda question: "We are on it.")

    assert "We are on it." in OutboxMail.objects.get().body


def test_a_test_run_reports_the_counts(talk):
    said = talk(agents.RunTests(), {"project": "checkout"})

    assert "exit code 1: 7 passed, 1 failed" in _last_text(said)


def test_a_chat_asks_back_then_looks_up_then_closes(talk, client, context):
    agent = agents.SupportChat()
    messages: list[Any] = [{"role": "user", "content": agent.prompt({"text": "My export stops."})}]

    texts = []
    for reply in ("It is account 184", "No, thank you", ""):
        while (message := _ask(client, agent, messages)).stop_reason == "tool_use":
            results = [_call(agent, b, context, _no_answer, False) for b in message.content if b.type == "tool_use"]
            messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
        texts.append(_last_text([message]))
        messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": reply}]

    assert "Which account" in texts[0]
    assert "Northwind Traders" in texts[1]
    assert "goodbye" in texts[2]
