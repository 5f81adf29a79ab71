"""Shapes of secrets: hide anything that looks like a key, a token or a password, known or not. Pure.

Every search takes time linear in the text, for any text: a pattern consumes what it has examined, or examines a bounded
number of characters. Most texts hold no mark of a shape and are searched for nothing else.
"""

import re
from collections.abc import Callable
from functools import partial

HIDDEN = "[redacted]"

_TOKENS = re.compile(
    r"sk-ant-[A-Za-z0-9_-]{8,}"  # Anthropic
    r"|agentops_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{20,}"  # our own
    r"|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS
    r"|(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # JWT
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{20,}"  # Stripe, Standard Webhooks
    r"|sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}"  # OpenAI, Google
)
_TOKEN_MARKS = (
    *("sk-ant-", "agentops_", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-"),
    *("AKIA", "ASIA", "ABIA", "ACCA", "eyJ", "k_live_", "k_test_", "whsec_"),
    *("sk-proj-", "sk-svcacct-", "sk-admin-", "AIza"),
)

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[A-Za-z0-9+/=\s:,.]+|\\+[nrt]|-(?!----))*"
    r"(?:-----END [A-Z0-9 ]{0,40}-----)?"
)

_BEARER = re.compile(r"(?i)\b(bearer[ \t]{1,8})([A-Za-z0-9._~+/=-]{12,})")

# What ends the name of a field that holds a secret: `password`, `DB_PASSWORD`, `clientSecret`, `x-api-key`.
_NAME_MARKS = ("password", "passwd", "passphrase", "pwd", "secret", "authorization", "key", "token")
_NAME = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|authorization"
    r"|(?:api|access|secret|private|signing|encryption|account|auth)[_\- ]?key"
    r"|(?:access|auth|refresh|bearer|api|session|id|security)[_\-]?token)"
)
_NAMED = re.compile(_NAME + r"""\\*["']?\s{0,8}(?:=>|:=|[:=])\s{0,8}""")
_ENDS_IN_NAME = re.compile(rf"(?i){_NAME}$")
_VALUE = re.compile(
    r"""(?P<open>["'])(?P<quoted>(?:(?!(?P=open))[^\\\n]|\\.)+)"""
    r"""|(?P<escaped>\\+["'])(?P<inner>[^"'\\\n]+)"""
    r"""|(?P<scheme>(?i:basic|bearer|token|digest|negotiate|apikey)[ \t]{1,8})?(?P<bare>(?:[^\s&;"'<>\\]|\\[^\s])+)"""
)
_PEEK = 64  # characters of a value that decide whether it is a secret
_PLACEHOLDER = re.compile(
    r"(?i)\[redacted|(?:none|null|nil|true|false|undefined|[*.x_-]+|<[^>]*>|\{+[^}]*\}+|\$\w+|\$[{(].*)[\s,;)]*$"
)
_CODE = re.compile(r"[\[({]|[A-Za-z_][\w.]*[\[(]")

_END_OF_ADDRESS = re.compile(r"""[\s"'<>`]""")
_USER = re.compile(r"[^\s/?#:\[]{0,256}:")
_PORT = re.compile(r"\d{1,5}[/?#,;:&)\]}|\\]")


def hide_shapes(text: str) -> str:
    """Replace everything shaped like a secret."""
    lower = text.lower()
    for marks, is_cased, hide in _SHAPES:
        if any(mark in (text if is_cased else lower) for mark in marks):
            text = hide(text)
    return text


def may_have_shape(text: str) -> bool:
    """Check cheaply whether a text has the mark of any shape."""
    for mark in _CASED_MARKS:
        if mark in text:
            return True
    lower = text.lower()
    for mark in _OTHER_MARKS:  # noqa: SIM110 (a generator costs more than the search)
        if mark in lower:
            return True
    return False


def names_secret(name: str) -> bool:
    """Say whether a field of this name holds a secret."""
    return bool(_ENDS_IN_NAME.search(name))


def is_placeholder(value: str) -> bool:
    """Say whether a value is a placeholder and not a secret."""
    return not value.strip() or bool(_PLACEHOLDER.match(value.strip()))


def _hide_bearers(text: str) -> str:
    return _BEARER.sub(lambda found: f"{found[1]}{HIDDEN}" if _is_opaque(found[2]) else found[0], text)


def _hide_assigned(text: str) -> str:
    """Hide the value of `password=…`, `"password": "…"` and the like; leave prose and code unchanged."""
    lower = text.lower()
    if len(lower) != len(text):  # one Unicode letter grows: positions must match
        lower = text.replace("\u0130", "I").lower()
    parts: list[str] = []
    done, named = 0, _NAMED.search(lower)
    while named:
        at = named.end()
        value = _VALUE.match(text, at, at + _PEEK)
        if value and _is_secret(value, named[0]):
            whole = _VALUE.match(text, at)
            assert whole is not None
            start = whole.start(whole.lastgroup or 0)
            parts += [text[done:start], HIDDEN]
            done = at = whole.end()
        named = _NAMED.search(lower, at)
    return "".join([*parts, text[done:]])


def _is_secret(value: re.Match[str], named: str) -> bool:
    """Tell a secret value from a word of prose after a colon, and from code."""
    if value["bare"] is None:
        return not is_placeholder(value["quoted"] or value["inner"])
    bare = value["bare"]
    if is_placeholder(bare) or _CODE.match(bare) or (named.startswith("pwd") and bare[0] in "/~."):
        return False
    if value["scheme"] or named.rstrip().endswith(":"):
        return _is_opaque(bare)
    return len(bare) > 2 and not named.startswith(bare.rstrip(",;:)").lower())


def _is_opaque(value: str) -> bool:
    """Say whether this is unlikely to be an ordinary word."""
    value = value.rstrip(".,;:!?)]}")
    return len(value) >= 6 and bool(re.search(r"\d|[a-z][A-Z]|[!@#$%^*+=~]", value))


def _hide_in_addresses(text: str) -> str:
    """Hide `user:password` before the host of an address. The last `@` ends it: a password may hold `/` and `@`."""
    parts: list[str] = []
    done, at = 0, text.find("://")
    while at >= 0:
        ends = _END_OF_ADDRESS.search(text, at)
        end = ends.start() if ends else len(text)
        host = text.rfind("@", at, end)
        if start := _start_of_user(text, at, host):
            parts += [text[done:start], HIDDEN]
            done = host
        at = text.find("://", end)
    return "".join([*parts, text[done:]])


def _start_of_user(text: str, at: int, host: int) -> int:
    """Find the start of `user:password` in an address; 0 if there is none. A number before a slash is a port."""
    while 0 <= at < host:
        start = at + len("://")
        user = _USER.match(text, start, host)
        if user and user.end() < host and (user[0] == ":" or not _PORT.match(text, user.end(), host)):
            return start
        at = text.find("://", start, host)
    return 0


# (marks, whether case matters, what to do with a text that holds one)
_SHAPES: tuple[tuple[tuple[str, ...], bool, Callable[[str], str]], ...] = (
    (("://",), True, _hide_in_addresses),
    (("PRIVATE KEY",), True, partial(_PRIVATE_KEY.sub, HIDDEN)),
    (_TOKEN_MARKS, True, partial(_TOKENS.sub, HIDDEN)),
    (("bearer",), False, _hide_bearers),
    (_NAME_MARKS, False, _hide_assigned),
)

_CASED_MARKS = tuple(mark for marks, is_cased, _ in _SHAPES if is_cased for mark in marks)
_OTHER_MARKS = tuple(mark for marks, is_cased, _ in _SHAPES if not is_cased for mark in marks)
