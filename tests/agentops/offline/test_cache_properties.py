"""What holds of the prompt cache for every request."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from agentops.offline.cache import PromptCache, prefix_blocks, total_tokens

controls = st.sampled_from([None, None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
texts = st.builds(
    lambda letter, length, control: {"type": "text", "text": letter * length, "cache_control": control},
    st.sampled_from("aäb"),
    st.integers(1, 3000),
    controls,
)
calls = st.builds(
    lambda value: {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"value": value}},
    st.text(st.characters(), max_size=40),
)
tools = st.builds(
    lambda length: {"name": "f", "description": "x" * length, "input_schema": {"type": "object"}},
    st.integers(0, 2000),
)
requests = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["claude-opus-5-5", "claude-opus-4-6"]),
        "system": st.lists(texts, max_size=2),
        "tools": st.lists(tools, max_size=2),
        "messages": st.lists(
            st.builds(
                lambda role, blocks: {"role": role, "content": blocks},
                st.sampled_from(["user", "assistant"]),
                st.lists(texts | calls, min_size=1, max_size=6),
            ),
            min_size=1,
            max_size=6,
        ),
        "cache_control": controls,
    }
)


def marked_tokens(request, usage):
    """Count the tokens up to the last effective breakpoint."""
    return total_tokens(request) - usage.input_tokens


@given(st.lists(requests, min_size=1, max_size=4))
def test_the_four_counts_add_up_to_the_whole_prompt(asked):
    cache = PromptCache()

    for position, request in enumerate(asked):
        usage = cache.account(request, at=position * 200)

        written = usage.written_5m_tokens + usage.written_1h_tokens
        assert usage.input_tokens + usage.read_tokens + written == total_tokens(request)


@given(requests)
def test_the_same_request_again_reads_up_to_the_last_breakpoint(request):
    cache = PromptCache()
    cache.account(request, at=0)

    usage = cache.account(request, at=299)

    assert usage.read_tokens == marked_tokens(request, usage)
    assert usage.written_5m_tokens + usage.written_1h_tokens == 0


@given(requests, st.data())
def test_nothing_is_read_past_a_changed_block(request, data):
    cache = PromptCache()
    cache.account(request, at=0)
    position = data.draw(st.integers(0, len(prefix_blocks(request)) - 1))
    unchanged = sum(block.tokens for block in prefix_blocks(request)[:position])

    usage = cache.account(changed(request, position), at=1)

    assert usage.read_tokens <= unchanged


@given(requests)
def test_breakpoints_are_no_part_of_the_prefix(request):
    bare = copy.deepcopy(request)
    for block in every_block(bare):
        block.pop("cache_control", None)

    assert [block.key for block in prefix_blocks(bare)] == [block.key for block in prefix_blocks(request)]


def every_block(request):
    yield from request["tools"]
    yield from request["system"]
    for message in request["messages"]:
        yield from message["content"]


def changed(request, position):
    """Copy a request with one more character somewhere in one block."""
    other = copy.deepcopy(request)
    block = list(every_block(other))[position]
    field = next(name for name in ("text", "id", "description") if name in block)
    block[field] += "!"
    return other
