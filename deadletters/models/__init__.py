"""What is kept about failures."""

from deadletters.models.dead_letter import IS_LIVE, LIVE, DeadLetter, LetterStatus
from deadletters.models.group import GroupState, LetterGroup
from deadletters.models.letter_event import LetterEvent, tell
from deadletters.models.redrive import ItemState, Redrive, RedriveEvent, RedriveItem, RedriveStatus

__all__ = [
    "IS_LIVE",
    "LIVE",
    "DeadLetter",
    "GroupState",
    "ItemState",
    "LetterEvent",
    "LetterGroup",
    "LetterStatus",
    "Redrive",
    "RedriveEvent",
    "RedriveItem",
    "RedriveStatus",
    "tell",
]
