"""The wheel in a project that exists already: `docs/adopting.md` is followed word for word by its developer.

The project is a fresh `startproject` to which its developers gave people who sign in by email, an API with DRF settings
of its own, and a prefix (`FORCE_SCRIPT_NAME`). What differs from what a reader does: the wheel comes from this tree,
ports 8000 and 8001 become free ones, and the person who approves is `Browser` below.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener
from zipfile import ZipFile

import pytest

from tests.readme.blocks import Block, blocks_of
from tests.readme.compare import fits
from tests.readme.terminals import ROOT, Newcomer, clone_to, until

PAGE = ROOT / "docs" / "adopting.md"
PREFIX = "/office"
PATIENCE_S = 120.0

PEOPLE = {
    "people/__init__.py": "",
    "people/migrations/__init__.py": "",
    "people/models.py": (ROOT / "tests/foreign/models.py").read_text(),
    "people/migrations/0001_initial.py": (ROOT / "tests/foreign/migrations/0001_initial.py").read_text(),
    "people/admin.py": """
from django.contrib import admin
from people.models import Person

admin.site.register(Person)
""",
    "people/views.py": """
from rest_framework.response import Response
from rest_framework.views import APIView

class Greeting(APIView):
    def get(self, request):
        return Response({"hello": request.user.email})
""",
}
SETTINGS = f"""
INSTALLED_APPS += ["people", "rest_framework"]
AUTH_USER_MODEL = "people.Person"
FORCE_SCRIPT_NAME = "{PREFIX}"
TIME_ZONE = "Europe/Berlin"
REST_FRAMEWORK = {{
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DATETIME_FORMAT": "%d.%m.%Y",
}}
"""
URLS = """
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from people.views import Greeting
urlpatterns += [path("api/greeting/", Greeting.as_view()), *staticfiles_urlpatterns("/static/")]  # below the prefix
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="wheel-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    """The wheel of this tree, built from a copy: building writes into the tree."""
    clone = clone_to(place)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place / "wheels", clone)
    (built,) = (place / "wheels").glob("*.whl")
    return built


@pytest.fixture
def developer(place: Path, wheel: Path) -> Iterator[Newcomer]:
    """Somebody with a project of their own, in whose activated environment the wheel can be had by name."""
    project, environment = place / "office", place / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    pip = environment / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {environment / "bin" / "python"} "$@"\n')
    pip.chmod(0o755)
    person = Newcomer(place, project, more=environment_of(environment, wheel))
    project.mkdir()
    person.type("pip install --quiet django djangorestframework && django-admin startproject shop .", timeout_s=600)
    for name, text in PEOPLE.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text.replace("tests.foreign", "people").replace("foreign.", "people."))
    append(project / "shop/settings.py", SETTINGS)
    append(project / "shop/urls.py", URLS)
    yield person
    person.close_terminals()


def environment_of(environment: Path, wheel: Path) -> dict[str, str]:
    """What a shell has in which an environment is active; where packages come from is this machine's business."""
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    links = f"{pip.get('PIP_FIND_LINKS', '')} {wheel.parent}".strip()
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    return pip | {"PIP_FIND_LINKS": links, "PIP_NO_COMPILE": "1", "PATH": path, "REDIS_URL": "redis://127.0.0.1:1/0"}


def test_the_wheel_holds_all_that_is_no_module(wheel: Path) -> None:
    there = set(ZipFile(wheel).namelist())
    packages = [ROOT / name for name in ("agentops", "runs", "deadletters")]
    files = {path for package in packages for path in package.rglob("*") if path.is_file()}
    wanted = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    wanted |= {f"agentops/site_templates/{path.relative_to(ROOT / 'templates')}" for path in templates()}

    assert wanted - there == set()
    assert len([name for name in there if name.endswith(".html")]) > 30


def templates() -> list[Path]:
    return [path for path in (ROOT / "templates").rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_project_adopts_it_by_the_page(developer: Newcomer) -> None:
    greeting = "curl -s -u root@example.com:secret -H 'Accept: text/html' {}/api/greeting/"
    web = "http://127.0.0.1:8000"
    developer.type("python manage.py migrate --verbosity 0")
    developer.type(
        "DJANGO_SUPERUSER_PASSWORD=secret python manage.py createsuperuser --noinput --email root@example.com"
    )
    page = Page(developer)

    page.follow_until("a person approves")
    browser = Browser(f"http://127.0.0.1:{developer.ports['8000']}")
    browser.sign_in("root@example.com", "secret")
    approve(browser)
    page.go_on()

    assert page.compared == 4
    developer.type("python manage.py check --database default --fail-level WARNING")
    assert "BoundedBodies" in developer.type("python -c 'import shop.asgi as asgi; print(asgi.application)'")
    assert "root@example.com" in developer.type(greeting.format(web))
    assert "401" in developer.type(f"curl -s -o /dev/null -w '%{{http_code}}' {web}/api/greeting/")
    assert "console.css" not in browser.get(f"{PREFIX}/admin/")
    assert "console.css" not in browser.get(f"{PREFIX}/admin/people/person/")


def approve(browser: "Browser") -> None:
    """Find the one action that waits, look at its page, and press the button."""
    waiting = browser.get(f"{PREFIX}/admin/runs/pendingaction/")
    (address,) = set(re.findall(rf'href="({PREFIX}/admin/runs/pendingaction/[0-9a-f-]+/change/)', waiting))
    shown = browser.get(address)
    sheets = re.findall(r'href="([^"]+\.css)"', shown)
    assert f"{PREFIX}/static/runs/console.css" in sheets
    assert all(browser.get(sheet) for sheet in sheets)
    assert "issue_refund" in shown and "Django administration" in shown

    (verb,) = re.findall(r'action="([^"]+/approve/)"', shown)
    browser.post(verb, {}, shown)


class Page:
    """The page, whose blocks are done one after the other."""

    def __init__(self, developer: Newcomer) -> None:
        self.developer = developer
        self.blocks = iter(blocks_of(PAGE))
        self.commands = self.said = ""
        self.compared = 0

    def follow_until(self, mark: str) -> None:
        """Do what the blocks say, as far as one with this mark."""
        for block in self.blocks:
            if block.mark == mark:
                self.commands = block.text
                return
            self.follow(block)

    def go_on(self) -> None:
        """Do the block at which it stopped, and all that follow."""
        self.said = self.developer.type(self.commands)
        for block in self.blocks:
            self.follow(block)

    def follow(self, block: Block) -> None:
        """Type commands, write files, compare what is shown with what was said."""
        match block.language:
            case "sh" if "terminal" in block.mark:
                self.developer.open_terminals(block.text)
            case "sh":
                self.commands = block.text
                self.said = self.developer.type(block.text, timeout_s=600)
            case "python" | "json":
                write(self.developer.clone, block)
            case _:
                self.compared += 1
                assert until(lambda: self.shows(block), timeout_s=PATIENCE_S), f"{block.text}\n---\n{self.said}"

    def shows(self, block: Block) -> bool:
        """Compare; what only reads is typed again until it fits."""
        if not fits(block.text, self.said) and "$status" in self.commands:
            self.said = self.developer.type(self.commands)
        return fits(block.text, self.said)


def write(project: Path, block: Block) -> None:
    """Write a file that its mark or its first line names, or the end of one."""
    name = block.mark or block.text.splitlines()[0].removeprefix("# ")
    file = project / name.removeprefix("at the end of ")
    if name.startswith("at the end of "):
        append(file, block.text)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text()}\n{text}")


class Browser:
    """Somebody who signs in, behind a proxy that takes the prefix away."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))

    def get(self, address: str) -> str:
        """Open a page. Raises: AssertionError if it is none."""
        return self._open(address, None)

    def post(self, address: str, fields: dict[str, str], page: str) -> None:
        """Send a form of a page."""
        (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        self._open(address, urlencode(fields | {"csrfmiddlewaretoken": token}).encode())

    def sign_in(self, name: str, password: str) -> None:
        """Sign in to the admin."""
        page = self.get(f"{PREFIX}/admin/login/")
        self.post(f"{PREFIX}/admin/login/", {"username": name, "password": password, "next": PREFIX}, page)

    def _open(self, address: str, data: bytes | None) -> str:
        assert address.startswith(f"{PREFIX}/"), f"{address} leads out of the prefix"
        for cookie in self.cookies:
            cookie.path = "/"  # they were set below the prefix
        request = Request(self.server + address.removeprefix(PREFIX), data, {"Referer": self.server})
        try:
            with self.opener.open(request, timeout=PATIENCE_S) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            if error.code == 404 and data is not None:  # where the redirect leads without the proxy
                return ""
            raise AssertionError(f"{address} answers {error.code}: {error.read().decode()[:2000]}") from error


def run(*command: object) -> None:
    """Run a command. Raises: AssertionError with what it said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
