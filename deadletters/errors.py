"""The errors of dead letters.

DeadLettersError
├── LetterDecidedError          somebody has dealt with the letter, or its group, already
├── NotReplayableError          nobody has told how this kind of work is replayed
├── ReplaysExhaustedError       the chain of replays is as long as it may get
├── NotAMemberError             who is to be assigned does not belong to the tenant
├── NoLettersError              no letter matches what a redrive was asked for
├── RedriveStateError           the verb does not fit the redrive's status
└── NotOperatorError            the user may not replay in the redrive's tenant (403)
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


class NoLettersError(DeadLettersError):
    """No letter matches what a redrive was asked for."""

    code = "no_letters"


class RedriveStateError(DeadLettersError):
    """The verb does not fit the redrive's status."""

    code = "wrong_state"


class NotOperatorError(DeadLettersError):
    """The user may not replay in the redrive's tenant."""

    code = "forbidden"
