"""Decide many actions at once: low-risk calls of one tool, each shown beforehand."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import InvalidInputError, RunsError
from runs.models import PendingAction
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.permissions import check_may_approve
from runs.states import ActionKind, ActionStatus, Risk

BULK_MAX = 200
VERBS = ("approve", "reject")


@dataclass(frozen=True, slots=True)
class Item:
    """One action of a bulk decision: what is decided, or why it is skipped."""

    action: PendingAction
    skipped: str = ""  # why it is skipped; empty if it is not
    done: bool = False

    @property
    def is_open(self) -> bool:
        """Say whether the action is still undecided: no decision yet, or others must agree too."""
        return self.action.status == ActionStatus.OPEN


def preview(actions: Sequence[PendingAction], *, user: AbstractBaseUser) -> list[Item]:
    """Say what a bulk decision would do to each action, and why some are skipped.

    Raises: InvalidInputError if there are none, too many, or not all of one tool.
    """
    if not actions:
        raise InvalidInputError({"ids": ["name at least one action"]})
    if len(actions) > BULK_MAX:
        raise InvalidInputError({"ids": [f"at most {BULK_MAX} at once"]})
    tools = sorted({action.tool or action.kind for action in actions})
    if len(tools) > 1:
        raise InvalidInputError({"ids": [f"all must be of one tool; these are of {', '.join(tools)}"]})
    return [Item(action, _why_not(action, user)) for action in actions]


def decide_all(
    actions: Sequence[PendingAction],
    verb: str,
    *,
    user: AbstractBaseUser,
    note: str = "",
    seen: Mapping[UUID, str] | None = None,
) -> list[Item]:
    """Decide each eligible action in its own transaction; skip those decided in the meantime.

    An approval also skips a call that was edited since it was shown.
    Shape: `seen` maps each action's id to its `bound_hash` as shown.
    Raises: InvalidInputError as `preview`, and for an unknown verb or a rejection without a note.
    """
    if verb not in VERBS:
        raise InvalidInputError({"verb": [f"must be one of {', '.join(VERBS)}"]})
    if verb == "reject" and not note.strip():
        raise InvalidInputError({"note": ["say why: the model reads it"]})
    shown = seen or {}
    return [
        item if item.skipped else _decide(item.action, verb, user=user, note=note, seen=shown.get(item.action.pk, ""))
        for item in preview(actions, user=user)
    ]


def counts(items: Sequence[Item]) -> dict[str, int]:
    """Count the results. Shape: `{"decided", "agreed", "skipped"}`; for `agreed`, others must agree as well."""
    found = Counter("skipped" if not item.done else "agreed" if item.is_open else "decided" for item in items)
    return {name: found[name] for name in ("decided", "agreed", "skipped")}


def in_order(ids: Sequence[UUID], actions: Sequence[PendingAction]) -> list[PendingAction]:
    """Sort actions into the order of the given ids."""
    by_id = {action.pk: action for action in actions}
    return [by_id[pk] for pk in dict.fromkeys(ids) if pk in by_id]


def _decide(action: PendingAction, verb: str, *, user: AbstractBaseUser, note: str, seen: str) -> Item:
    try:
        if verb == "approve":
            decided = approve(action, user=user, note=note, seen=seen)
        else:
            decided = reject(action, user=user, note=note)
    except RunsError as error:
        return Item(action, str(error))
    if decided.decided_by_id != user.pk and decided.status != ActionStatus.OPEN:
        return Item(decided, f"already {decided.status} by {decided.decided_by}")
    return Item(decided, done=True)


def _why_not(action: PendingAction, user: AbstractBaseUser) -> str:
    if action.status != ActionStatus.OPEN:
        return f"already {action.status}" + (f" by {action.decided_by}" if action.decided_by else "")
    if action.kind != ActionKind.APPROVAL:
        return f"a person must look at each {action.kind}"
    if action.risk != Risk.LOW:
        return f"its risk is {action.risk or 'not known'}: a person must look at it alone"
    try:
        check_may_approve(action, user)
    except RunsError as error:
        return str(error)
    return ""
