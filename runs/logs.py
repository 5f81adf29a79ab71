"""What the log says of refused requests: one line each."""

import logging


class RefusalsInOneLine(logging.Filter):
    """Leave the traceback out of what Django logs when it refuses a request: it shows Django's code, and no fault.

    For a handler in `LOGGING`: filters of a logger do not see what its children log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the traceback of a refusal."""
        is_refusal = getattr(record, "status_code", 500) < 500 or record.name.startswith("django.security")
        if is_refusal and record.name.startswith("django."):
            record.exc_info = record.exc_text = record.stack_info = None
        return True
