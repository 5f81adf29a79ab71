"""A second demo is refused with the address of the first, and changes nothing."""

import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import CommandError, call_command

from agentops.demo import environment
from agentops.demo.only_one import OnlyDemo
from agentops.stack import Stack, StackError


@pytest.fixture
def signals():
    """The command takes the signals of its process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def server():
    """Another server at a port, which says that it is ready; with a name it is an agentops."""
    started = []

    def start(name=None):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                if name is not None:
                    self.send_header("Agentops-Instance", name)
                self.end_headers()

            def log_message(self, *_):
                pass

        one = HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
        started.append(one)
        return one.server_port

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


@pytest.fixture
def untouched(monkeypatch):
    """Nothing may be prepared: neither a password nor a run is new."""
    monkeypatch.setattr(environment, "prepare", lambda: pytest.fail("it changes something"))


@pytest.mark.usefixtures("signals", "untouched")
@pytest.mark.parametrize("options", [{}, {"smoke": True}])
def test_a_second_demo_over_the_same_folder_is_refused_with_the_address_of_the_first(options, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    first = OnlyDemo(tmp_path, port=0)
    first.runs_at("http://127.0.0.1:4711")

    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:4711") as refused:
        call_command("demo", **options)

    assert refused.value.returncode == 2
    assert (tmp_path / "demo.address").read_text() == "http://127.0.0.1:4711", "that is the first one's"


@pytest.mark.usefixtures("signals", "untouched")
@pytest.mark.parametrize(("name", "words"), [("", "agentops runs there"), (None, "it is no agentops")])
def test_a_demo_on_a_taken_port_is_refused_and_says_whose_it_is(name, words, server, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    port = server(name)

    with pytest.raises(CommandError, match=f"port {port}.*{words}.*http://127.0.0.1:{port}/"):
        call_command("demo", port=port)


def test_a_demo_that_ended_holds_nothing(tmp_path):
    first = OnlyDemo(tmp_path, port=0)
    first.runs_at("http://127.0.0.1:4711")
    first.close()

    OnlyDemo(tmp_path, port=0)

    assert (tmp_path / "demo.address").read_text() == ""


@pytest.mark.slow
def test_the_answer_of_another_server_is_not_taken_for_that_of_ours(server):
    with Stack() as stack, pytest.raises(StackError, match="web did not come up"):
        stack.web(port=server("another one"))
