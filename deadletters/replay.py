"""The verbs by their first address; they live in `deadletters/verbs/`."""

from deadletters.verbs.discard import discard
from deadletters.verbs.replay import close_for_retry, replay

__all__ = ["close_for_retry", "discard", "replay"]
