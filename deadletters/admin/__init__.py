"""The console's pages of dead letters, and what they add to the sidebar and to the page of a run."""

from deadletters.admin.dead_letter import DeadLetterAdmin
from deadletters.admin.group import LetterGroupAdmin
from deadletters.admin.redrive import RedriveAdmin
from deadletters.admin.run import letters_of
from deadletters.admin.scope import unsolved_causes
from runs.admin.run_page import add_to_run_page
from runs.admin.site import show_waiting

__all__ = ["DeadLetterAdmin", "LetterGroupAdmin", "RedriveAdmin"]

show_waiting("LetterGroup", unsolved_causes)
add_to_run_page(letters_of)
