"""Why a letter takes no part in a redrive, though it was asked for."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from deadletters.errors import ReplaysExhaustedError
from deadletters.models import DeadLetter
from deadletters.verbs.decide import how_closed
from deadletters.verbs.replay import check_replays
from deadletters.work import Preview

ELSEWHERE = "another redrive is to send it"
ENDED_BEFORE = "the redrive ended before its turn"
GONE = "the run is gone"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A letter, and what is known of it. No preview: its run is gone, or nobody looked since it is excluded anyway."""

    letter: DeadLetter
    tenants: Collection[str] | None  # in which the user may replay; None: in every one
    preview: Preview | None = None


def _closed(candidate: Candidate) -> str:
    return "" if candidate.letter.is_live else f"the letter is already {how_closed(candidate.letter)}"


def _replayed_enough(candidate: Candidate) -> str:
    try:
        check_replays(candidate.letter)
    except ReplaysExhaustedError:
        return "it was replayed as often as it may be"
    return ""


def _not_permitted(candidate: Candidate) -> str:
    may = candidate.tenants is None or candidate.letter.tenant in candidate.tenants
    return "" if may else "you may not replay runs of its tenant"


def _refused(candidate: Candidate) -> str:
    return candidate.preview.refusal if candidate.preview else GONE


def _effects_unknown(candidate: Candidate) -> str:
    is_unknown = candidate.preview and candidate.preview.effects_unknown
    return "effects may have happened: a person must look first" if is_unknown else ""


Rule = Callable[[Candidate], str]
BEFORE_A_LOOK: tuple[Rule, ...] = (_closed, _not_permitted, _replayed_enough)  # the letter alone tells
AFTER_A_LOOK: tuple[Rule, ...] = (_refused, _effects_unknown)  # a preview is needed


def exclusion_of(candidate: Candidate, rules: tuple[Rule, ...]) -> str:
    """Tell the first reason that applies; an empty text if none does."""
    return next(filter(None, (rule(candidate) for rule in rules)), "")
