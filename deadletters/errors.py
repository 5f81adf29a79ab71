"""The errors of dead letters.

DeadLettersError
├── LetterDecidedError          somebody has dealt with the letter, or its group, already
├── NotReplayableError          nobody has told how this kind of work is replayed
├── ReplaysExhaustedError       the chain of replays is as long as it may get
└── NotAMemberError             who is to be assigned does not belong to the tenant
"""


class DeadLettersError(Exception):
    """Base of all errors of this app."""

    code = "error"


class LetterDecidedError(DeadLettersError):
    """Somebody has dealt with the letter, or its group, already."""

    code = "wrong_state"


class NotReplayableError(DeadLettersError):
    """Nobody has told how this kind of work is replayed."""

    code = "not_replayable"


class ReplaysExhaustedError(DeadLettersError):
    """It was replayed as often as it may be."""

    code = "replays_exhausted"

    def __init__(self, replays: int, allowed: int) -> None:
        super().__init__(
            f"it was replayed {replays} times and keeps failing; {allowed} are allowed. Find the cause first, then "
            "post the work as a new run, make the letter a manual task, or raise `replays_max` in the AGENTOPS settings"
        )


class NotAMemberError(DeadLettersError):
    """Who is to be assigned does not belong to the tenant."""

    code = "not_a_member"
