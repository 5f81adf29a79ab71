"""The console's pages of dead letters."""

from deadletters.admin.dead_letter import DeadLetterAdmin
from deadletters.admin.group import LetterGroupAdmin
from deadletters.admin.redrive import RedriveAdmin

__all__ = ["DeadLetterAdmin", "LetterGroupAdmin", "RedriveAdmin"]
