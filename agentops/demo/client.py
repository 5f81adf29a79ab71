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
        """Read a document. Raises: DemoApiError."""
        return self._send("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Post a body. Raises: DemoApiError."""
        return self._send("POST", path, json.dumps(body or {}).encode())

    def _send(self, method: str, path: str, data: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        url = f"{self.base_url}/api/v1/{path}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 (our own server)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 (our own server)
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise DemoApiError(error.code, json.load(error)) from error
