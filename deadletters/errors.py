"""The errors of dead letters.

DeadLettersError
├── LetterDecidedError    somebody has dealt with the letter already
├── NotReplayableError    nobody has told how this kind of work is replayed
├── NoLettersError        no letter matches what a redrive was asked for
├── RedriveStateError     the verb does not fit the redrive's status
└── NotOperatorError      the user may not replay in the redrive's tenant (403)
"""


class DeadLettersError(Exception):
    """Base of all errors of this app."""

    code = "error"


class LetterDecidedError(DeadLettersError):
    """Somebody has dealt with the letter already."""

    code = "wrong_state"


class NotReplayableError(DeadLettersError):
    """Nobody has told how this kind of work is replayed."""

    code = "not_replayable"


class NoLettersError(DeadLettersError):
    """No letter matches what a redrive was asked for."""

    code = "no_letters"


class RedriveStateError(DeadLettersError):
    """The verb does not fit the redrive's status."""

    code = "wrong_state"


class NotOperatorError(DeadLettersError):
    """The user may not replay in the redrive's tenant."""

    code = "forbidden"
