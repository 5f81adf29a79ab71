"""A minimal client of the API."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class DemoApiError(RuntimeError):
    """The API refused; `problem` is its problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True, slots=True)
class DemoClient:
    """Speaks to `/api/v1/` with one token."""

    base_url: str
    token: str

    def get(self, path: str) -> Any:
        """Read a document. Raises: ApiError."""
        return self._send("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        """Post a body. Raises: ApiError."""
        return self._send("POST", path, body or {}, **headers)

    def _send(self, method: str, path: str, body: dict[str, Any] | None, **headers: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 (our own server)
            f"{self.base_url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 (our own server)
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise DemoApiError(error.code, json.load(error)) from error
