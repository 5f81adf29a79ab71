"""Sending an answer, with the fault it carries acted out on the connection."""

from enum import Enum

from agentops.offline.answers import Answer
from agentops.offline.faults import Fault
from agentops.offline.link import Link


class Ending(Enum):
    """How the connection is to be left after an answer."""

    COMPLETE = "the body ends as HTTP wants it"
    DROPPED = "the connection closes without the end of the body"
    RESET = "the connection is reset"


def deliver(answer: Answer, link: Link) -> Ending:
    """Send an answer up to, but not including, the end of its body.

    The end is left to the caller, so that the request can be logged before its client goes on.

    Raises: ConnectionError when the client has left.
    """
    link.wait(answer.delay_s)
    fault = answer.fault
    if fault is None or fault.kind not in ACTED_OUT:
        return _send_all(answer, link)
    return ACTED_OUT[fault.kind](answer, fault, link)


def _send_all(answer: Answer, link: Link) -> Ending:
    _begin(answer, link)
    for piece in answer.pieces:
        link.send(piece)
    return Ending.COMPLETE


def _begin(answer: Answer, link: Link) -> None:
    link.begin(answer.status, {"content-type": answer.content_type, **answer.headers})


def _hang(answer: Answer, fault: Fault, link: Link) -> Ending:
    if fault["after"] != "nothing":
        _begin(answer, link)
    if fault["after"] == "message_start":
        link.send(answer.pieces[0])
    link.wait(fault["seconds"])
    return Ending.DROPPED


def _cut(answer: Answer, fault: Fault, link: Link) -> Ending:
    _send_some(answer, fault, link)
    return Ending.RESET if fault["reset"] else Ending.DROPPED


def _truncate(answer: Answer, fault: Fault, link: Link) -> Ending:
    _send_some(answer, fault, link)
    return Ending.COMPLETE


def _send_some(answer: Answer, fault: Fault, link: Link) -> None:
    _begin(answer, link)
    # The last piece is never sent: a fault must not turn into a complete answer.
    for piece in answer.pieces[:-1][: fault["after_events"]]:
        link.send(piece)


def _drip(answer: Answer, fault: Fault, link: Link) -> Ending:
    _begin(answer, link)
    for piece in answer.pieces:
        link.drip(piece, seconds_per_byte=fault["seconds_per_byte"])
    return Ending.COMPLETE


def _refuse(_answer: Answer, _fault: Fault, _link: Link) -> Ending:
    return Ending.DROPPED


ACTED_OUT = {
    "hang": _hang,
    "cut": _cut,
    "truncate": _truncate,
    "drip": _drip,
    "refused_before_response": _refuse,
}
