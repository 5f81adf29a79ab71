"""The console's pages of dead letters."""

from deadletters.admin.dead_letter import DeadLetterAdmin

__all__ = ["DeadLetterAdmin"]
