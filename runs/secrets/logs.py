"""The log without secrets."""

import logging

from runs.secrets.redaction import redact


class RedactingFormatter(logging.Formatter):
    """Write a record of the log without secrets, its traceback included: an exception may quote anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it as any formatter does, and redact what came of that."""
        return redact(super().format(record))
