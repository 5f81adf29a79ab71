"""Reading the database with patience: it may be restarted in the middle of it."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")

_PATIENCE_S = 60.0
_PAUSE_S = 0.2


def seen(read: Callable[[], T]) -> T:
    """Do a read, again and again until the database answers, and give its connection back.

    Raises: the last error once patience is over.
    """
    ends_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return read()
        except (OperationalError, InterfaceError):
            if time.monotonic() > ends_at:
                raise
            time.sleep(_PAUSE_S)  # the campaign restarts the database on purpose
        finally:
            connection.close()
