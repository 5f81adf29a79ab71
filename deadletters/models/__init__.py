"""What is kept about failures."""

from deadletters.models.dead_letter import LIVE, DeadLetter, LetterStatus
from deadletters.models.redrive import ItemState, Redrive, RedriveEvent, RedriveItem, RedriveStatus

__all__ = [
    "LIVE",
    "DeadLetter",
    "ItemState",
    "LetterStatus",
    "Redrive",
    "RedriveEvent",
    "RedriveItem",
    "RedriveStatus",
]
