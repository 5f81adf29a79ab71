"""What counts as the same prefix, and how far back it is looked for."""

import itertools

import pytest

from agentops.offline.cache import PromptCache

FIVE_MINUTES = {"type": "ephemeral"}


def request(*contents, **options):
    roles = itertools.cycle(("user", "assistant"))
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    return {"model": "claude-opus-5-5", "max_tokens": 100, "messages": messages, **options}


def words(tokens, letter="x"):
    return letter * 4 * tokens


def text(tokens, letter="x", **fields):
    return {"type": "text", "text": words(tokens, letter), **fields}


@pytest.fixture
def cache():
    return PromptCache()


@pytest.mark.parametrize(
    "change",
    [
        {"model": "claude-sonnet-5-5"},
        {"tools": [{"name": "g", "input_schema": {"type": "object"}}]},
        {"system": "other"},
        {"thinking": {"type": "adaptive"}},
        {"tool_choice": {"type": "none"}},
    ],
)
def test_a_change_before_the_messages_misses(cache, change):
    asked = request(words(600), cache_control=FIVE_MINUTES, system="one")
    cache.account(asked, at=0)

    assert cache.account({**asked, **change}, at=1).read_tokens == 0


def test_another_tool_choice_still_reads_the_system(cache):
    asked = request("Hi", system=[text(600, cache_control=FIVE_MINUTES)])
    cache.account(asked, at=0)

    assert cache.account({**asked, "tool_choice": {"type": "none"}}, at=1).read_tokens == 600


def test_another_order_of_keys_in_a_tool_input_misses(cache):
    def asked(tool_input):
        call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": tool_input}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": words(600)}
        return request("Hi", [call], [result], cache_control=FIVE_MINUTES)

    cache.account(asked({"a": 1, "b": 2}), at=0)

    assert cache.account(asked({"b": 2, "a": 1}), at=1).read_tokens == 0
    assert cache.account(asked({"a": 1, "b": 2}), at=1).read_tokens > 600


def test_another_form_of_the_same_block_hits(cache):
    cache.account(request(words(600), cache_control=FIVE_MINUTES), at=0)
    block = {"text": words(600), "citations": None, "type": "text", "cache_control": FIVE_MINUTES}

    assert cache.account(request([block]), at=1).read_tokens == 600


@pytest.mark.parametrize(("added", "read"), [(20, 600), (21, 0)])
def test_the_lookback_ends_after_twenty_positions(cache, added, read):
    cache.account(request([text(600)], cache_control=FIVE_MINUTES), at=0)

    longer = [text(600), *(text(1, letter="y") for _ in range(added))]

    assert cache.account(request(longer, cache_control=FIVE_MINUTES), at=1).read_tokens == read


def test_a_run_of_tool_calls_is_one_position(cache):
    cache.account(request([text(600)], cache_control=FIVE_MINUTES), at=0)
    names = [f"toolu_{number}" for number in range(40)]
    uses = [{"type": "tool_use", "id": name, "name": "f", "input": {}} for name in names]
    results = [{"type": "tool_result", "tool_use_id": name, "content": "ok"} for name in names]

    usage = cache.account(request([text(600)], uses, results, cache_control=FIVE_MINUTES), at=1)

    assert usage.read_tokens == 600
