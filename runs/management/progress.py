"""Show the progress of a run on a terminal: a bar if `rich` is installed, else a line for each change."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[float, str], None]
"""Takes percent and words."""


@contextmanager
def progress() -> Iterator[Show]:
    """Show progress on stderr until the block ends."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:  # it comes with `django-agentops[demo]`
        yield _line_by_line()
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("queued", total=100)
        yield lambda percent, words: bar.update(task, completed=percent, description=words)


def _line_by_line() -> Show:
    said: list[str] = [""]

    def show(percent: float, words: str) -> None:
        line = f"{percent:3.0f} % {words}"
        if line != said[0]:
            said[0] = line
            print(line, file=sys.stderr, flush=True)

    return show
