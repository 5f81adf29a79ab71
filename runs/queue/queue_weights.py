"""Shares: how a worker divides its claims among its queues, when they have weights.

Without weights a worker empties its first queue before it looks at the next. With `critical=3 default=2` three of five
claims go to the first while both have work; what one leaves is the others'.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from runs.engine.lease import Lease
from runs.models import Run
from runs.queue.claim import claim_next

WEIGHT_MAX = 1000


def read_weights(words: Sequence[str]) -> dict[str, int]:
    """Read `name` or `name=weight`, a whole number from 1; a name without one has the weight 1.

    Raises: ValueError naming the word.
    """
    weights = {}
    for word in words:
        name, has_weight, weight = word.partition("=")
        if has_weight and not (weight.isascii() and weight.isdigit() and 1 <= int(weight) <= WEIGHT_MAX):
            raise ValueError(f"{word!r}: a weight is a whole number from 1 to {WEIGHT_MAX}, as in {name}=3")
        if name in weights:
            raise ValueError(f"the queue {name!r} is given twice")
        weights[name] = int(weight) if has_weight else 1
    return weights


class Shares:
    """Claims for all slots of one worker. The queue that is owed the most is asked first (smooth round robin)."""

    def __init__(self, weights: dict[str, int]) -> None:
        self._weights = weights
        self._owed = dict.fromkeys(weights, 0)
        self._lock = threading.Lock()

    def claim(self, _: Iterable[str], *, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | None:
        """Claim a run of the queue whose turn it is, or of the next that has one. Shape: as `claim_next`."""
        order = self._in_turn()
        claimed = claim_next(order, worker_id=worker_id, worker_name=worker_name)
        self._note(order, claimed[0].queue if claimed else None)
        return claimed

    def _in_turn(self) -> list[str]:
        with self._lock:
            return sorted(self._weights, key=lambda queue: -(self._owed[queue] + self._weights[queue]))

    def _note(self, order: Sequence[str], served: str | None) -> None:
        """The queue that was served pays for the others. An empty one is owed nothing: it saves up no burst."""
        empty = order[: order.index(served)] if served else order
        with self._lock:
            for queue in order:
                self._owed[queue] = 0 if queue in empty else self._owed[queue] + self._weights[queue]
            if served:
                self._owed[served] -= sum(self._weights[queue] for queue in order if queue not in empty)


def claims_by(weights: dict[str, int]) -> Callable[..., tuple[Run, Lease] | None]:
    """Choose how a worker claims: in the order of its queues, or by their weights if these differ from 1."""
    return claim_next if set(weights.values()) == {1} else Shares(weights).claim
