"""A browser, a filled database and a signed-in page. Chromium comes from the system, playwright only drives it."""

import os
import shutil
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from tests.runs.admin.filled import fill
from tests.runs.admin.rows import make_tenant

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        if "CI" in os.environ:
            pytest.fail("chromium is missing")
        pytest.skip("chromium is missing")
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright's sync API runs a loop in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


class Watch:
    """What a page did that it should not have done."""

    def __init__(self, host):
        self.host = host
        self.faults = []

    def follow(self, page):
        page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.host in request.url or self.faults.append(request.url))
        page.on("response", lambda response: response.status >= 400 and self.faults.append(response.url))


@pytest.fixture
def rows(browser, transactional_db):
    root = get_user_model().objects.create_superuser("root", password="pw")
    return fill(root, make_tenant("acme"))


@pytest.fixture
def watch(live_server):
    return Watch(live_server.url)


@pytest.fixture
def open_page(browser, live_server, watch, rows):
    """Open a signed-in page of this width and theme."""
    contexts = []

    def open_page(*, width=1280, theme="light"):
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 900}, color_scheme=theme
        )
        contexts.append(context)
        page = context.new_page()
        watch.follow(page)
        page.goto("/admin/login/")
        page.fill("#id_username", "root")
        page.fill("#id_password", "pw")
        page.click("input[type=submit]")
        page.wait_for_url("**/admin/")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def save():
    """Keep a screenshot of the full page."""
    folder = Path(os.environ.get("SCREENSHOTS", "var/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def save(page, name):
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return save
