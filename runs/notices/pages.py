"""The address of a page of the console, as a mail links to it."""

from typing import Any

from deadletters.links import page_address


def page_of(model: str, pk: Any) -> str:
    """Write the address of a record's page; nothing where a project has no console. Shape: `model` in lower case."""
    return page_address(f"runs_{model}", pk)
