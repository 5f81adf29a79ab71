"""What a tool, the operator and the verdict say to the ledger."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class LedgerEffect:
    """One effect that happened. `op` names what was to be done, uniquely within the run."""

    run: str
    op: str
    effect: str
    key: str | None = None


def record(sock: str, *, run: str, op: str, key: str | None, effect: str) -> int:
    """Make an effect: it has happened once the ledger has read the request. Returns its receipt."""
    receipt: int = _ask(sock, do="effect", run=run, op=op, key=key, effect=effect)
    return receipt


def find(sock: str, *, key: str | None = None, run: str = "", op: str = "") -> int | None:
    """Ask whether an effect has happened: by its key, or by run and operation. Returns its receipt."""
    receipt: int | None = _ask(sock, do="find", key=key, run=run, op=op)
    return receipt


def read_effects(path: Path) -> Iterator[LedgerEffect]:
    """Read what the ledger has written."""
    with path.open() as lines:
        for line in lines:
            entry = json.loads(line)
            yield LedgerEffect(entry["run"], entry["op"], entry["effect"], entry["key"])


def _ask(sock: str, **request: Any) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_TIMEOUT_S)
        client.connect(sock)
        client.sendall(json.dumps(request).encode() + b"\n")
        with client.makefile() as answer:
            return json.loads(answer.readline())["receipt"]
