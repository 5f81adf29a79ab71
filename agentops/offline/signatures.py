"""Signatures of thinking: each binds what was thought to everything before it, and is checked when it comes back.

Source: the provider's preserved thinking, as it holds for new accounts: a changed block, or a changed word before one,
is refused.
"""

import hashlib
import hmac
from collections.abc import Iterator

from agentops.offline.cache_control import as_read
from agentops.offline.conversation import as_blocks, merged_turns
from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject, compact_ascii

SIGNED = {"thinking": "signature", "redacted_thinking": "data"}  # and where each kind carries it

_KEY = b"offline"


def signed(content: list[JsonObject], request: JsonObject) -> list[JsonObject]:
    """Sign the thinking in an answer to a request, whatever its script has written there."""
    if not any(block["type"] in SIGNED for block in content):
        return content
    answered = [*request["messages"], {"role": "assistant", "content": content}]
    blocks = [right for _, _, right in _with_signatures({**request, "messages": answered})]
    return blocks[-len(content) :]


def check_signatures(request: JsonObject) -> None:
    """Refuse thinking that is not as it was signed. Raises: InvalidRequestError."""
    for where, block, right in _with_signatures(request):
        if block != right:
            kind = block["type"]
            raise InvalidRequestError(f"{where}: Invalid `{SIGNED[kind]}` in `{kind}` block")


def _with_signatures(request: JsonObject) -> Iterator[tuple[str, JsonObject, JsonObject]]:
    """Yield where each block of the messages is, the block, and the block with its right signature."""
    before = hashlib.sha256()
    for block in (*as_blocks(request.get("system")), *(request.get("tools") or [])):
        before.update(compact_ascii(as_read(block)).encode())
    for turn in merged_turns(request["messages"]):
        before.update(turn.role.encode())
        for place, block in enumerate(turn.blocks):
            right = block
            if field := SIGNED.get(block["type"]):
                thought = compact_ascii([block["type"], block.get("thinking"), before.hexdigest()])
                right = {**block, field: hmac.new(_KEY, thought.encode(), hashlib.sha256).hexdigest()}
            before.update(compact_ascii(as_read(right)).encode())
            yield f"messages.{turn.index}.content.{place}", block, right
