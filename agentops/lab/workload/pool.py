"""Playing many conversations at once, over many tenants, while somebody looks after the processes."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import cycle

from agentops.lab.workload.client import StoppedError, WorkloadClient
from agentops.lab.workload.conversations import Conversation
from agentops.lab.workload.pace import WorkloadPace
from agentops.lab.workload.play import Played, play
from runs.states import Lane

CLIENTS = {Lane.STANDARD: 32, Lane.BATCH: 64}  # in a batch a turn takes seconds, in which its client only waits
_LOOK_EVERY_S = 0.25


def play_all(
    conversations: tuple[Conversation, ...],
    *,
    base_url: str,
    tokens: Mapping[str, str],
    label: str,
    lane: Lane,
    stopping: threading.Event,
    watch: Callable[[], None],
    ended: Callable[[Played], None],
) -> list[Played]:
    """Play all conversations, the tenants taking turns; `ended` hears of each, `watch` is called all the time.

    Raises: StoppedError when `stopping` is set; what `watch` raises, after all players have stopped.
    """
    clients = {tenant: WorkloadClient(base_url, token, stopping=stopping) for tenant, token in tokens.items()}
    played: list[Played] = []
    pace = WorkloadPace()
    with ThreadPoolExecutor(CLIENTS[lane], thread_name_prefix="client") as pool:
        pending: set[Future[Played]] = {
            pool.submit(play, conversation, clients[tenant], tenant=tenant, label=label, lane=lane, pace=pace)
            for conversation, tenant in zip(conversations, cycle(tokens), strict=False)
        }
        try:
            while pending:
                watch()
                over, pending = wait(pending, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                for future in over:
                    played.append(future.result())
                    ended(played[-1])
                if stopping.is_set():
                    raise StoppedError
        except BaseException:
            stopping.set()
            pool.shutdown(cancel_futures=True)
            raise
    order = {conversation.id: place for place, conversation in enumerate(conversations)}
    return sorted(played, key=lambda one: order[one.conversation])
