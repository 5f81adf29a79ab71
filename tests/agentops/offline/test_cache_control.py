"""Rules for cache breakpoints."""

import pytest

from agentops.offline.cache_control import check_breakpoints
from agentops.offline.errors import InvalidRequestError

SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}


def text(control=None):
    return {"type": "text", "text": "Hi", **({"cache_control": control} if control else {})}


def request(*blocks, **options):
    return {"model": "m", "messages": [{"role": "user", "content": list(blocks)}], **options}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (request(text({"type": "forever"})), r"messages\.0\.content\.0\.cache_control\.type"),
        (request(text({"type": "ephemeral", "ttl": "1d"})), r"messages\.0\.content\.0\.cache_control\.ttl"),
        (request(text(), cache_control={"type": "x"}), r"^cache_control\.type"),
        (request(text(), cache_control="yes"), r"^cache_control: "),
        (request(*[text(SHORT)] * 5), "A maximum of 4 blocks with cache_control may be provided. Found 5"),
        (request(*[text(SHORT)] * 4, text(), cache_control=SHORT), "Found 5"),
        (request(text(SHORT), text(LONG)), r"messages\.0\.content\.1: a ttl='1h'"),
        (request(text(LONG), system=[text(SHORT)]), r"messages\.0\.content\.0: a ttl='1h'"),
        (request(text(SHORT), text(), cache_control=LONG), r"cache_control: a ttl='1h'"),
        (request(text(SHORT), cache_control=LONG), "another ttl"),
        (request({"type": "thinking", "thinking": "", "cache_control": SHORT}), "cannot be set for thinking"),
    ],
)
def test_a_wrong_breakpoint_is_refused(asked, message):
    with pytest.raises(InvalidRequestError, match=message):
        check_breakpoints(asked)


@pytest.mark.parametrize(
    "asked",
    [
        request(text()),
        request(*[text(SHORT)] * 4),
        request(*[text(SHORT)] * 4, cache_control=SHORT),
        request(text(SHORT), system=[text(LONG)], tools=[{"name": "f", "cache_control": LONG}]),
        request(text(LONG), text(), cache_control=SHORT),
        request(text(), cache_control=None),
    ],
)
def test_a_right_breakpoint_passes(asked):
    check_breakpoints(asked)


def test_a_breakpoint_inside_a_result_counts():
    result = {"type": "tool_result", "tool_use_id": "t", "content": [text(SHORT), text(LONG)]}

    with pytest.raises(InvalidRequestError, match=r"messages\.0\.content\.0\.content\.1: a ttl='1h'"):
        check_breakpoints(request(result))
