"""The API over HTTP, as any client of it would speak: one token, JSON, patience with a server that restarts."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from typing import Any

from agentops.lab.workload.conversations import Json

_TIMEOUT_S = 60.0
_TRIES = 8
_PAUSE_S = 0.5
_BUSY = (429, 502, 503)

# Our own server on this machine: a proxy that the environment names has no part in it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WorkloadApiError(Exception):
    """The API refused a request."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code = status, code


class UnreachableError(Exception):
    """The connection broke or the server was busy: whether the request was taken is not known."""


class StoppedError(Exception):
    """The replay is being stopped."""


class WorkloadClient:
    """Calls the API with one tenant's token. Safe to share between threads."""

    def __init__(self, base_url: str, token: str, *, stopping: threading.Event) -> None:
        self._runs_url = f"{base_url}/api/v1/runs/"
        self._actions_url = f"{base_url}/api/v1/actions/"
        self._token = token
        self._stopping = stopping

    def post_run(self, body: Json, *, key: str) -> Json:
        """Post a run; repeating it with the same key is harmless, so it is repeated when nobody answers.

        Raises: ApiError, UnreachableError, StoppedError.
        """
        return self._patiently(self._runs_url, body, {"Idempotency-Key": key})

    def run(self, run_id: str) -> Json:
        """Read a run. Raises: as `post_run`."""
        return self._patiently(f"{self._runs_url}{run_id}/")

    def steps(self, run_id: str) -> list[Json]:
        """Read the trace, all pages of it. Raises: as `post_run`."""
        steps: list[Json] = []
        url: str | None = f"{self._runs_url}{run_id}/steps/"
        while url:
            page = self._patiently(url)
            steps += page["results"]
            url = page["next"]
        return steps

    def answer(self, run_id: str, text: str, *, end: bool) -> None:
        """Answer the open question, once: a repetition could answer the next one.

        Raises: ApiError; UnreachableError when it may or may not have been taken.
        """
        body: Json = {"text": text} | ({"end": True} if end else {})
        self._send(f"{self._runs_url}{run_id}/messages/", body)

    def decide(self, action_id: str, verb: str, body: Json) -> None:
        """Decide a pending action; saying the same again is harmless. Raises: ApiError, UnreachableError."""
        self._send(f"{self._actions_url}{action_id}/{verb}/", body)

    def pause(self, seconds: float) -> None:
        """Wait. Raises: StoppedError when the replay is stopped meanwhile."""
        if self._stopping.wait(seconds):
            raise StoppedError

    def _patiently(self, url: str, body: Json | None = None, headers: dict[str, str] | None = None) -> Json:
        for left in reversed(range(_TRIES)):
            try:
                return self._send(url, body, headers)
            except UnreachableError:
                if not left:
                    raise
                self.pause(_PAUSE_S)
        raise AssertionError("unreachable")

    def _send(self, url: str, body: Json | None = None, headers: dict[str, str] | None = None) -> Json:
        request = urllib.request.Request(  # noqa: S310 (our own server)
            url,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with _opener.open(request, timeout=_TIMEOUT_S) as response:
                document: Json = json.load(response)
                return document
        except urllib.error.HTTPError as error:
            raise _refusal(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(str(error) or type(error).__name__) from error


def _refusal(error: urllib.error.HTTPError) -> WorkloadApiError | UnreachableError:
    text = error.read().decode(errors="replace")
    try:
        problem: dict[str, Any] = json.loads(text)
    except ValueError:
        problem = {}
    detail = str(problem.get("detail", text[:200]))
    if error.code in _BUSY:
        return UnreachableError(f"{error.code}: {detail}")
    return WorkloadApiError(error.code, str(problem.get("code", "error")), detail)
