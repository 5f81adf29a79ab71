"""A running offline model and the real SDK pointed at it."""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from agentops.offline import OfflineModel

Serve = Callable[..., OfflineModel]
Connect = Callable[..., anthropic.Anthropic]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start offline models that are stopped when the test ends."""
    started: list[OfflineModel] = []

    def start(*scripts: Any, **options: Any) -> OfflineModel:
        model = OfflineModel(scripts, **options)
        started.append(model)
        model.start()
        return model

    yield start
    for model in started:
        model.stop()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open SDK clients that are closed when the test ends."""
    opened: list[anthropic.Anthropic] = []

    def open_client(model: OfflineModel, **options: Any) -> anthropic.Anthropic:
        settings = {"api_key": "offline", "max_retries": 0, "timeout": 10.0, **options}
        client = anthropic.Anthropic(base_url=model.base_url, **settings)
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """Build the arguments of a message request."""

    def arguments(*turns: Any, **options: Any) -> dict[str, Any]:
        roles = ("user", "assistant")
        messages = [{"role": roles[index % 2], "content": turn} for index, turn in enumerate(turns or ("Hello",))]
        return {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": messages, **options}

    return arguments


@pytest.fixture
def faulty() -> Callable[..., dict[str, Any]]:
    """Build a script of one turn that goes through the given faults first."""

    def script(*faults: dict[str, Any], content: Any = ({"type": "text", "text": "All is well."},)) -> dict[str, Any]:
        return {"name": "faulty", "turns": [{"content": list(content), "faults": list(faults)}]}

    return script
