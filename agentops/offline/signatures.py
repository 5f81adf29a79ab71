"""Signatures of thinking: each binds what was thought to everything before it, and is checked when it comes back.

Source: the provider's preserved thinking, as it holds for new accounts: a changed block, or a changed word before one,
is refused.
"""

import hashlib
import hmac
from collections.abc import Iterable

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
    before = _Before(request)
    for turn in merged_turns(request["messages"]):
        before.enter(turn.role)
        before.read(turn.blocks)
    before.enter("assistant")
    return [before.sign(block) for block in content]


def check_signatures(request: JsonObject) -> None:
    """Refuse thinking that is not as it was signed. Raises: InvalidRequestError."""
    before = _Before(request)
    for turn in merged_turns(request["messages"]):
        before.enter(turn.role)
        for place, block in enumerate(turn.blocks):
            if before.sign(block) != block:
                where, field = f"messages.{turn.index}.content.{place}", SIGNED[block["type"]]
                raise InvalidRequestError(f"{where}: Invalid `{field}` in `{block['type']}` block")


class _Before:
    """What was read so far."""

    def __init__(self, request: JsonObject) -> None:
        self._hash = hashlib.sha256()
        self._role = ""
        self.read(as_blocks(request.get("system")))
        self.read(request.get("tools") or [])

    def enter(self, role: str) -> None:
        if role != self._role:
            self._hash.update(role.encode())
        self._role = role

    def read(self, blocks: Iterable[JsonObject]) -> None:
        for block in blocks:
            self._hash.update(compact_ascii(as_read(block)).encode())

    def sign(self, block: JsonObject) -> JsonObject:
        """Return the block with its right signature, and go on behind it."""
        kind = block["type"]
        if kind in SIGNED:
            thought = compact_ascii([kind, block.get("thinking"), self._hash.hexdigest()])
            mark = hmac.new(_KEY, thought.encode(), hashlib.sha256).hexdigest()
            block = {**block, SIGNED[kind]: mark}
        self.read([block])
        return block
