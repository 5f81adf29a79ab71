"""What is kept about failures."""

from deadletters.models.dead_letter import LIVE, DeadLetter, LetterStatus

__all__ = ["LIVE", "DeadLetter", "LetterStatus"]
