"""Compare what a page shows with what a command really said."""

import re

# What differs from one run to the next, and what it is called here.
_CHANGING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"\b[0-9a-f]{32}-(\d+)", r"<effect key>-\1"),
    (r"\b(toolu|msg)_[0-9a-zA-Z]+", r"<\1>"),
    (r"agentops_[0-9a-f]{8}_[\w-]+", "<token>"),
    (r"password \S+", "password <password>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"(_tokens\": )\d+", r"\1<tokens>"),
    (r"\b0\.0\d*[1-9]\d*\b", "<cost>"),
    (r'"status": "(queued|running)"', '"status": "<queued or running>"'),  # a worker may be faster than the answer
)
_ELISION = "…"


def normal(text: str) -> str:
    """Replace ids, times, ports, tokens and costs by their names; a cost of 0 stays 0."""
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def fits(shown: str, said: str) -> bool:
    """Say whether the output that a page shows is what was said; `…` stands for what the page leaves out.

    Alone on its line it stands for any lines, within a line for any text.
    """
    pattern = ""
    for line in normal(shown).splitlines():
        if line.strip() == _ELISION:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.split(_ELISION)) + r"\n"
    return re.fullmatch(pattern, normal(said) + "\n") is not None
