"""The errors of dead letters, below those of runs: over HTTP, the status of each is that of its base (409)."""

from runs.errors import ConflictError, InvalidTransitionError


class DeadLetterDecidedError(InvalidTransitionError):
    """Somebody has dealt with the dead letter, or its group, already."""


class RedriveStateError(InvalidTransitionError):
    """The verb does not fit the redrive's status."""


class ReplaysExhaustedError(ConflictError, code="replays_exhausted"):
    """The dead letter has no replays left."""

    def __init__(self, replays: int, allowed: int) -> None:
        super().__init__(
            f"it was replayed {replays} times and keeps failing; {allowed} are allowed. Find the cause first, then "
            "post the work as a new run, make the letter a manual task, or raise `replays_max` in the AGENTOPS settings"
        )


class NotAMemberError(ConflictError, code="not_a_member"):
    """The assignee does not belong to the tenant."""


class NoDeadLettersError(ConflictError, code="no_letters"):
    """No dead letter matches the selection of a redrive."""
