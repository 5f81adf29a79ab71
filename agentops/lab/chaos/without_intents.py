"""The negative control: a worker that patches itself to leave out the intent of every effect but a model call.

`python -m agentops.lab.chaos.without_intents rqworker …`, which only `chaos --without-intents` starts: a crash repeats
effects then, and the campaign must notice. Nothing in the engine knows of it.
"""

import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import execute_from_command_line


def leave_out_intents() -> None:
    """Announce no call of a tool and no step of a job before it is made."""
    from runs.engine.journal import Journal

    announce = Journal.commit_intent

    def commit_intent(
        journal: Journal, *, circuit: Any = None, to: Any = None, tool: Any = None, **columns: Any
    ) -> None:
        if circuit or to:
            announce(journal, circuit=circuit, to=to, tool=tool, **columns)

    Journal.commit_intent = commit_intent  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    sys.argv[0] = str(Path(__file__).resolve().parents[3] / "manage.py")  # what the worker itself starts is not patched
    django.setup()
    leave_out_intents()
    execute_from_command_line(sys.argv)
