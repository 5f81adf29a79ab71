"""Fingerprints: failures with the same cause get the same one. Pure."""

import hashlib
import re

VERSION = 1  # raise it when the rules below change, so that old and new groups are told apart

_UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)
_LONG_ID = re.compile(r"\b(?=[A-Za-z_]*\d)[A-Za-z0-9_-]{12,}\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def normalise(message: str) -> str:
    """Take ids and numbers out of a message."""
    for pattern, name in ((_UUID, "<id>"), (_LONG_ID, "<id>"), (_NUMBER, "<n>")):
        message = pattern.sub(name, message)
    return " ".join(message.split())[:500]


def fingerprint(*, error_class: str, job_type: str, step_name: str, message: str) -> str:
    """Hash the cause: exception class, job type, step or tool, message without ids and numbers."""
    cause = "\x1f".join((error_class, job_type, step_name, normalise(message)))
    return f"v{VERSION}-{hashlib.sha256(cause.encode()).hexdigest()[:24]}"
