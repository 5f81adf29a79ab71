"""How long the provider keeps a prompt: an hour for agents that wait for people, unless they say otherwise."""

import pytest

from runs.declarations.job_types import Agent
from runs.errors import DeclarationError
from runs.registry import ask_human, tool


@tool(effect="read")
def look(context, key: str) -> str:
    """Look."""
    return key


@tool(effect="unsafe", approval="always")
def pay(context, amount: int) -> str:
    """Pay."""
    return "paid"


@tool(effect="unsafe", approval=lambda context, arguments: arguments["amount"] > 9)
def pay_a_little(context, amount: int) -> str:
    """Pay, with approval from ten on."""
    return "paid"


def agent(**attributes):
    return type("Some", (Agent,), {"name": "some", "model": "claude-sonnet-5-5", **attributes})()


@pytest.mark.parametrize(
    ("attributes", "ttl"),
    [
        ({}, "5m"),
        ({"tools": [look]}, "5m"),
        ({"tools": [look, pay]}, "1h"),
        ({"tools": [pay_a_little]}, "1h"),
        ({"tools": [ask_human]}, "1h"),
        ({"converses": True}, "1h"),
        ({"tools": [pay], "cache_ttl": "5m"}, "5m"),
        ({"tools": [look], "cache_ttl": "1h"}, "1h"),
    ],
    ids=["none", "a read", "a gated one", "one gated by its arguments", "ask_human", "converses", "5m said", "1h said"],
)
def test_an_hour_is_chosen_where_a_pause_for_a_person_is_to_be_expected(attributes, ttl):
    assert agent(**attributes).chosen_cache_ttl == ttl


@pytest.mark.parametrize("ttl", ["2h", "", 3600])
def test_another_lifetime_is_refused_with_those_there_are(ttl):
    with pytest.raises(DeclarationError, match="cache_ttl") as caught:
        agent(cache_ttl=ttl).check()

    assert "'5m', '1h'" in caught.value.hint
