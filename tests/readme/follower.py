"""Following a page block by block: type, write, compare."""

import re

import pytest

from tests.readme.blocks import Block
from tests.readme.compare import fits
from tests.readme.makefile import hold_against_makefile
from tests.readme.terminals import Newcomer, Terminal, until

_INSTALLS = "python3.11 -m venv .venv"
_FITS_IN_S = 240.0  # on a machine that is busy


class Follower:
    """Follows a page block by block."""

    def __init__(self, newcomer: Newcomer) -> None:
        self.newcomer = newcomer
        self.commands = ""
        self.said = ""
        self.terminal: Terminal | None = None
        self.compared = 0

    def follow(self, block: Block) -> None:
        """Do what a block says, or look whether it shows what happened."""
        if block.skipped:
            return
        match block.language:
            case "sh" if "terminal" in block.mark:
                self.terminal = self.newcomer.open_terminals(block.text)[0]
            case "sh" if block.text.startswith(_INSTALLS):
                hold_against_makefile(block.text)
            case "sh":
                self.terminal, self.commands = None, block.text
                self._type()
            case "python":
                name = block.text.splitlines()[0].removeprefix("# ")
                (self.newcomer.clone / name).write_text(block.text)
            case "text" | "json":
                self.compared += 1
                assert until(lambda: self._fits(block), timeout_s=_FITS_IN_S), self._difference(block)
            case _:
                pytest.fail(f"line {block.line}: nobody knows how to follow a block of {block.language!r}")

    def _type(self) -> None:
        """Type the commands; those that only read are typed again while a server is not there yet."""
        if not _only_reads(self.commands):
            self.said = self.newcomer.type(self.commands)
            return
        failures: list[AssertionError] = []
        assert until(lambda: self._has_read(failures), timeout_s=_FITS_IN_S), failures[-1]

    def _has_read(self, failures: list[AssertionError]) -> bool:
        try:
            self.said = self.newcomer.type(self.commands)
        except AssertionError as error:
            failures.append(error)
            return False
        return True

    def _fits(self, block: Block) -> bool:
        if self.terminal:
            assert self.terminal.process.poll() is None, f"{self.terminal.command} ended:\n{self.terminal.said()}"
            self.said = self.terminal.said()
        elif not fits(block.text, self.said) and _only_reads(self.commands):
            self._type()
        return fits(block.text, self.said)

    def _difference(self, block: Block) -> str:
        return f"line {block.line} shows\n{block.text}\nbut was told\n{self.said}"


def _only_reads(commands: str) -> bool:
    return not re.search(r"-X POST|manage\.py", commands)
