"""Secrets: read them from the environment when used, and remove them from every text before it is stored or logged."""

from runs.secrets.redaction import RedactingFormatter, holds_known, may_hold_secret, redact, redact_all
from runs.secrets.shapes import HIDDEN
from runs.secrets.values import known, known_forms, secret

__all__ = [
    "HIDDEN",
    "RedactingFormatter",
    "holds_known",
    "known",
    "known_forms",
    "may_hold_secret",
    "redact",
    "redact_all",
    "secret",
]
