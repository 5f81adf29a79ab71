"""The command `python -m agentops.offline`: arguments, port file, signals and the tie to its parent."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from agentops.offline.model import BATCH_S, OfflineModel
from agentops.offline.quota import INPUT, OUTPUT, REQUESTS
from agentops.offline.script_file import ScriptError
from runs.worker.supervisor import die_with_parent

EXIT_BAD_INPUT = 2
DESCRIPTION = "A local stand-in for the Messages API: scripted answers, no network."
LIMITS = (REQUESTS, INPUT, OUTPUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    options = _parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if options.stop_with_parent:
        die_with_parent(os.getppid())
    try:
        model = OfflineModel(
            options.scripts,
            workload=options.workload,
            log=options.log,
            port=options.port,
            batch_s=options.batch_seconds,
            per_minute={name: limit for name in LIMITS if (limit := getattr(options, name))},
        )
        model.start()
        if options.port_file:
            _write_port(options.port_file, model.port)
    except (ScriptError, OSError) as error:
        print(f"offline model: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"offline model: scripted answers, no network, at {model.base_url}", file=sys.stderr, flush=True)
    ended.wait()
    model.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agentops.offline", description=DESCRIPTION)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="file that receives the port once the model listens")
    parser.add_argument("--scripts", type=Path, action="append", default=[], help="script directory; repeatable")
    parser.add_argument("--workload", type=Path, help="folder with conversations.jsonl to replay")
    parser.add_argument("--log", type=Path, help="file that receives one JSON line for each message request")
    parser.add_argument("--batch-seconds", type=float, default=BATCH_S, help="seconds until a message batch ends")
    for name in LIMITS:
        help_text = f"more {name} than that are answered with 429 (default: no limit)"
        parser.add_argument(f"--{name}-per-minute", dest=name, type=int, help=help_text)
    parser.add_argument("--stop-with-parent", action="store_true", help="end when the parent ends (Linux)")
    return parser


def _write_port(path: Path, port: int) -> None:
    # Renamed into place, so that a waiting reader never sees half a number.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(f"{port}\n", encoding="ascii")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
