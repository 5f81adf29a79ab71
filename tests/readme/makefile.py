"""The commands of the Makefile, to hold the plain ones of the README against."""

import os
import re
import subprocess

from tests.readme.terminals import ROOT


def hold_against_makefile(plain: str) -> None:
    """The plain commands are those of `make demo` and `make test`, but for options about what is printed."""
    made = commands_of("demo") + commands_of("test")
    for command in plain.splitlines():
        assert bare(command) in made, f"{command} is not what make does: {made}"


def commands_of(target: str) -> list[str]:
    """List what `make` would run for a target on a machine where nothing is installed."""
    said = subprocess.run(
        ["make", "-n", target, "VENV=.venv-dry", "PYTHON=python3.11"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # a `make` around these tests hands its own variables down
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return [bare(line.replace(".venv-dry", ".venv")) for line in said.stdout.splitlines()]


def bare(command: str) -> str:
    """Leave out what only changes what is printed, or how the project itself is built."""
    command = re.sub(r" --(quiet|disable-pip-version-check|no-build-isolation)\b", "", command)
    return command.replace("/python -m pip", "/pip").removeprefix("exec ").strip()
