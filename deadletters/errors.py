"""The errors of dead letters.

DeadLettersError
├── LetterDecidedError    somebody has dealt with the letter already
└── NotReplayableError    nobody has told how this kind of work is replayed
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
