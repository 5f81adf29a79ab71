"""The console's larger limit for bodies holds where a project lives below a prefix, too."""

import asyncio

import pytest

from runs.web.bounded_bodies import BoundedBodies

LARGE = 900_000  # more than the API takes, less than the console


async def _answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


def status_of(path, root_path):
    """The status that a body of this announced length meets at an address."""
    scope = {"type": "http", "path": path, "root_path": root_path, "headers": [(b"content-length", b"%d" % LARGE)]}
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(BoundedBodies(_answer, larger={"/admin/": 2 * LARGE})(scope, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("forced", "root_path"), [(None, ""), ("/shop", ""), (None, "/shop"), ("/shop", "/other"), ("/admin", "")]
)
def test_the_prefix_of_the_project_is_no_part_of_the_address(settings, forced, root_path):
    settings.FORCE_SCRIPT_NAME = forced
    prefix = forced or root_path

    assert status_of(f"{prefix}/admin/runs/run/", root_path) == 200
    assert status_of(f"{prefix}/api/v1/runs/", root_path) == 413
    assert status_of("/admin/runs/run/", "") == (413 if forced == "/admin" else 200)  # a proxy that cuts the prefix off
