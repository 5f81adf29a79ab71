"""The prompt cache over a conversation, its minimum, lifetimes, lookback and bound."""

import itertools

import pytest

from agentops.offline.cache import PromptCache, minimum_tokens

FIVE_MINUTES = {"type": "ephemeral"}
ONE_HOUR = {"type": "ephemeral", "ttl": "1h"}


def request(*contents, **options):
    roles = itertools.cycle(("user", "assistant"))
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    return {"model": "claude-opus-5-5", "max_tokens": 100, "messages": messages, **options}


def words(tokens, letter="x"):
    return letter * 4 * tokens


def text(tokens, letter="x", **fields):
    return {"type": "text", "text": words(tokens, letter), **fields}


def counts(usage):
    """Shape: read, written for 5 minutes, written for 1 hour, neither."""
    return usage.read_tokens, usage.written_5m_tokens, usage.written_1h_tokens, usage.input_tokens


@pytest.fixture
def cache():
    return PromptCache()


def test_a_growing_conversation_reads_the_prefix_of_its_last_turn(serve, connect, ask):
    client = connect(serve({"name": "s", "turns": [{"content": [{"type": "text", "text": "y" * 80}]}] * 3}))
    contents, usages = [words(600)], []
    for _ in range(3):
        message = client.messages.create(**ask(*contents, cache_control=FIVE_MINUTES))
        usages.append(message.usage)
        contents += [message.content, words(50)]

    read = [usage.cache_read_input_tokens for usage in usages]
    written = [usage.cache_creation_input_tokens for usage in usages]
    assert (read, written) == ([0, 600, 670], [600, 70, 70])
    assert [usage.input_tokens for usage in usages] == [0, 0, 0]


def test_a_stream_reports_the_cache_too(serve, connect, ask):
    client = connect(serve())
    for _ in range(2):
        with client.messages.stream(**ask(words(600), cache_control=ONE_HOUR)) as stream:
            usage = stream.get_final_message().usage
        written = usage.cache_creation.ephemeral_1h_input_tokens

    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens, written) == (600, 0, 0)


def test_without_a_breakpoint_nothing_is_cached(cache):
    for _ in range(2):
        usage = cache.account(request(words(9000)), at=0)

    assert counts(usage) == (0, 0, 0, 9000)


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-opus-5-5", 512),
        ("claude-haiku-5-5", 512),
        ("claude-sonnet-5-5", 512),
        ("claude-fable-5-2", 512),
        ("claude-sonnet-5", 1024),
        ("claude-opus-4-8", 1024),
        ("claude-haiku-4-5-20251001", 4096),
        ("claude-opus-4-6", 4096),
    ],
)
def test_a_prefix_below_the_models_minimum_is_not_cached(cache, model, minimum):
    assert minimum_tokens(model) == minimum
    for tokens in (minimum - 1, minimum):
        asked = request(words(tokens), model=model, cache_control=FIVE_MINUTES)
        written, read = (cache.account(asked, at=0) for _ in range(2))

    assert counts(written) == (0, minimum, 0, 0)
    assert counts(read) == (minimum, 0, 0, 0)


def test_a_prefix_of_one_token_less_than_the_minimum_is_plain_input(cache):
    usage = cache.account(request(words(511), cache_control=FIVE_MINUTES), at=0)

    assert counts(usage) == (0, 0, 0, 511)


@pytest.mark.parametrize(("control", "lifetime"), [(FIVE_MINUTES, 300), (ONE_HOUR, 3600)])
def test_a_prefix_is_forgotten_at_the_end_of_its_lifetime(cache, control, lifetime):
    asked = request(words(600), cache_control=control)
    cache.account(asked, at=0)

    assert cache.account(asked, at=lifetime - 1).read_tokens == 600
    assert cache.account(asked, at=2 * lifetime - 1).read_tokens == 0


def test_a_read_renews_the_lifetime(cache):
    asked = request(words(600), cache_control=FIVE_MINUTES)

    usages = [cache.account(asked, at=minutes * 60) for minutes in (0, 4, 8, 12, 17)]

    assert [usage.read_tokens for usage in usages] == [0, 600, 600, 600, 0]


def test_the_lifetimes_of_a_server_follow_its_clock(serve, connect, ask):
    now = [1_800_000_000.0]
    client = connect(serve(clock=lambda: now[0]))
    read = []
    for seconds in (0, 299, 301):
        now[0] += seconds
        usage = client.messages.create(**ask(words(600), cache_control=FIVE_MINUTES)).usage
        read.append(usage.cache_read_input_tokens)

    assert read == [0, 600, 0]


def test_an_hour_for_the_system_outlives_five_minutes_for_the_messages(cache):
    asked = request(words(100), system=[text(600, cache_control=ONE_HOUR)], cache_control=FIVE_MINUTES)

    first, second = cache.account(asked, at=0), cache.account(asked, at=400)

    assert counts(first) == (0, 100, 600, 0)
    assert counts(second) == (600, 100, 0, 0)


def test_what_follows_the_last_breakpoint_is_plain_input(cache):
    asked = request([text(600, cache_control=FIVE_MINUTES), text(30)])

    first, second = cache.account(asked, at=0), cache.account(asked, at=1)

    assert counts(first) == (0, 600, 0, 30)
    assert counts(second) == (600, 0, 0, 30)


def test_a_refused_request_writes_nothing(serve, connect, ask):
    faulty = {"name": "s", "turns": [{"content": [text(1)], "faults": [{"kind": "overloaded"}]}]}
    client = connect(serve(faulty), max_retries=1)

    usage = client.messages.create(**ask(words(600), cache_control=FIVE_MINUTES)).usage

    assert usage.cache_read_input_tokens == 0


def test_the_oldest_prefixes_give_way():
    cache = PromptCache(max_entries=3)
    questions = [request(words(600, letter), cache_control=FIVE_MINUTES) for letter in "abcd"]
    for asked in questions:
        cache.account(asked, at=0)

    assert len(cache) == 3
    assert cache.account(questions[0], at=1).read_tokens == 0
