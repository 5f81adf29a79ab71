"""The errors of dead letters, subclasses of those of runs: errors about a state become 409 over HTTP.

InvalidTransitionError
├── DeadLetterDecidedError      somebody has dealt with the dead letter, or its group, already
└── RedriveStateError           the verb does not fit the redrive's status
ConflictError
├── ReplaysExhaustedError       the chain of replays has reached its maximum
├── NotAMemberError             the assignee does not belong to the tenant
└── NoDeadLettersError          no dead letter matches the selection of a redrive
"""

from runs.errors import ConflictError, InvalidTransitionError


class DeadLetterDecidedError(InvalidTransitionError):
    """Somebody has dealt with the dead letter, or its group, already."""


class RedriveStateError(InvalidTransitionError):
    """The verb does not fit the redrive's status."""


class ReplaysExhaustedError(ConflictError):
    """The dead letter has no replays left."""

    code = "replays_exhausted"

    def __init__(self, replays: int, allowed: int) -> None:
        super().__init__(
            f"it was replayed {replays} times and keeps failing; {allowed} are allowed. Find the cause first, then "
            "post the work as a new run, make the letter a manual task, or raise `replays_max` in the AGENTOPS settings"
        )


class NotAMemberError(ConflictError):
    """The assignee does not belong to the tenant."""

    code = "not_a_member"


class NoDeadLettersError(ConflictError):
    """No dead letter matches the selection of a redrive."""

    code = "no_letters"
