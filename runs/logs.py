"""Log refused requests in one line each."""

import logging


class RefusalsInOneLine(logging.Filter):
    """Drops the traceback that Django logs for a refused request: it shows Django's code, not a fault.

    For a handler in `LOGGING`: filters of a logger do not see what its children log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass every record, without the traceback of a refusal."""
        is_refusal = getattr(record, "status_code", 500) < 500 or record.name.startswith("django.security")
        if is_refusal and record.name.startswith("django."):
            record.exc_info = record.exc_text = record.stack_info = None
        return True
