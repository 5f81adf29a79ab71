"""Make text from models, tools and clients fit to store: strip NULs and lone surrogates, truncate oversized text."""

from typing import Any

_REPLACEMENT = "�"


def clean_text(text: str) -> str:
    """Replace what a database or an encoder would refuse: NULs and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", _REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def clean(value: Any) -> Any:
    """Clean every text inside a JSON value, keys included."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def depth(value: Any) -> int:
    """Measure how deeply a JSON value is nested, without recursion."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return deepest


def cut(text: str, limit: int) -> str:
    """Truncate a text to the limit, with a note."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… [cut: {len(text):,} characters in all]"
