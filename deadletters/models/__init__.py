"""What is kept about failures."""

from deadletters.models.dead_letter import IS_LIVE, LIVE, DeadLetter, DeadLetterStatus
from deadletters.models.event import LetterEvent, record_event
from deadletters.models.group import GroupState, LetterGroup
from deadletters.models.redrive import ItemState, Redrive, RedriveEvent, RedriveItem, RedriveStatus

__all__ = [
    "IS_LIVE",
    "LIVE",
    "DeadLetter",
    "DeadLetterStatus",
    "GroupState",
    "ItemState",
    "LetterEvent",
    "LetterGroup",
    "Redrive",
    "RedriveEvent",
    "RedriveItem",
    "RedriveStatus",
    "record_event",
]
