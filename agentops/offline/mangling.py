"""What a proxy does to an answer on its way: events lost, told twice or out of order, counts replaced."""

from agentops.offline.faults import Fault
from agentops.offline.reply import Reply


def mangled(events: list[bytes], fault: Fault | None) -> list[bytes]:
    """Drop, repeat and swap events (with the next one) at the places that a `mangle` fault names."""
    if fault is None or fault.kind != "mangle":
        return events
    order = list(range(len(events)))
    for place in fault["swap"]:
        order[place : place + 2] = reversed(order[place : place + 2])
    kept = [place for place in order if place not in fault["drop"]]
    return [events[place] for place in kept for _ in range(2 if place in fault["repeat"] else 1)]


def with_usage(reply: Reply, fault: Fault) -> Reply:
    """Say of an answer's usage what a `usage` fault says."""
    message = {**reply.message, "usage": fault["usage"]}
    if fault["absent"]:
        del message["usage"]
    return Reply(message, reply.cut_input)
