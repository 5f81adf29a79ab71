"""What is hidden in a text, what is left alone, and that neither takes long."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.secrets import HIDDEN, known, redact, redact_all

UGLY = 'co"rr\\ect/ho@rse é'
LINES = "-----BEGIN OF MY KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n"


@pytest.fixture
def ugly(monkeypatch):
    monkeypatch.setenv("AGENTOPS_SECRET_UGLY", UGLY)
    monkeypatch.setenv("AGENTOPS_SECRET_LINES", LINES)
    monkeypatch.setenv("AGENTOPS_SECRET_PIN", "4711081547110815")
    known.cache_clear()


FORMS = {
    "plain": UGLY,
    "JSON": json.dumps(UGLY),
    "JSON, not ASCII": json.dumps(UGLY, ensure_ascii=False),
    "JSON within JSON": json.dumps(json.dumps({"a": UGLY})),
    "JSON within JSON within JSON": json.dumps(json.dumps(json.dumps([UGLY]))),
    "Python": repr({"a": UGLY}),
    "a URL's path": quote(UGLY),
    "a URL's part": quote(UGLY, safe=""),
    "a form": quote_plus(UGLY),
    "a URL in lower case": quote(UGLY).lower().replace("co%22", "co%22"),
    "HTML": html.escape(UGLY),
    "base64": base64.b64encode(UGLY.encode()).decode(),
    "base64, one behind": base64.b64encode(b"x" + UGLY.encode() + b"yz").decode(),
    "base64, two behind": base64.b64encode(b"me:me" + UGLY.encode()).decode(),
    "base64 of a URL": base64.urlsafe_b64encode(b"xy" + UGLY.encode()).decode(),
    "one line of it": "> MIIEvQIBADANBgkqhkiG9w0BAQEF",
    "other ends of lines": LINES.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_hidden_in_every_form(ugly, form):
    text = f"it is {FORMS[form]} here"

    assert HIDDEN in redact(text)
    assert redact_all({"a": [text]}) == {"a": [redact(text)]}


def test_a_known_secret_is_hidden_inside_any_value(ugly):
    value = {
        UGLY: 1,
        "nested": [{"a": (UGLY, 4711081547110815)}],
        "text": json.dumps({"b": UGLY, "pin": 4711081547110815}),
    }

    hidden = redact_all(value)

    assert hidden == {
        HIDDEN: 1,
        "nested": [{"a": [HIDDEN, HIDDEN]}],
        "text": json.dumps({"b": HIDDEN, "pin": HIDDEN}),
    }


def test_keys_that_differ_only_in_a_secret_stay_two():
    assert list(redact_all({"ghp_" + "a" * 36: 1, "ghp_" + "b" * 36: 2}).values()) == [1, 2]


SHAPED = {
    "redis://:pw@host": "redis://[redacted]@host",
    "redis://:12345@host:6379/0": "redis://[redacted]@host:6379/0",
    "a postgres://u:p/a@ss@host:5432/db?x=1 b": "a postgres://[redacted]@host:5432/db?x=1 b",
    "see <https://bob:hunter2@example.com/x>, bob": "see <https://[redacted]@example.com/x>, bob",
    "smtp://me@example.com:pw@smtp.host": "smtp://[redacted]@smtp.host",
    "http://a.b/x then amqp://u:p@h": "http://a.b/x then amqp://[redacted]@h",
    "http://a.b/?to=ftp://u:p@h": "http://a.b/?to=ftp://[redacted]@h",
    "AKIAIOSFODNN7EXAMPLE": "[redacted]",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG": "aws_secret_access_key = [redacted]",
    "AWS_SESSION_TOKEN=FwoGZXIvYXdzEA": "AWS_SESSION_TOKEN=[redacted]",
    "ghp_" + "a1" * 18: "[redacted]",
    "gho_" + "a1" * 18: "[redacted]",
    "at github_pat_11ABCDEFG0abc_defghijklm: ok": "at [redacted]: ok",
    "xoxb-123456789012-abcdefghijkl": "[redacted]",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-_def": "[redacted]",
    "sk-ant-api03-abcdefgh": "[redacted]",
    "agentops_a1b2c3d4_" + "x" * 32: "[redacted]",
    "Authorization: Bearer abcdefghijkl1234": "Authorization: Bearer [redacted]",
    "authorization: basic dXNlcjpwYXNz": "authorization: basic [redacted]",
    "curl -H 'bearer abcdefghijkl1234'": "curl -H 'bearer [redacted]'",
    "password=hunter2": "password=[redacted]",
    "Server=a;Password=x,y;Pwd=z12": "Server=a;Password=[redacted];Pwd=[redacted]",
    "?password=abc&x=1": "?password=[redacted]&x=1",
    "DB_PASSWORD='hunt er2' more": "DB_PASSWORD='[redacted]' more",
    'Password = "a\\"b" more': 'Password = "[redacted]" more',
    'said "password": "hunter2", ok': 'said "password": "[redacted]", ok',
    'said \\"password\\": \\"hunter2\\", ok': 'said \\"password\\": \\"[redacted]\\", ok',
    "secret: password: hunter2": "secret: password: [redacted]",
    "x-api-key: 0123456789abcdef": "x-api-key: [redacted]",
    "api_key: abc123def456": "api_key: [redacted]",
    '{"clientSecret":"x y","n":1}': '{"clientSecret":"[redacted]","n":1}',
    "İ password=hunter2": "İ password=[redacted]",
    "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMII+/=\n-----END PRIVATE KEY-----\nend": "[redacted]\nend",
    '"-----BEGIN PRIVATE KEY-----\\nMII': '"[redacted]',
}


@pytest.mark.parametrize("text", SHAPED)
def test_what_is_shaped_like_a_secret_is_hidden(text):
    assert redact(text) == SHAPED[text]
    assert redact(SHAPED[text]) == SHAPED[text]


HARMLESS = [
    "Forgot your password? The password: it must have 8 characters. Invalid password: too short.",
    "max_tokens=100, tokens: 5, next_page_token=CAUQAA1234, token_count: 12",
    "http://localhost:8000/users/@me and https://example.com:443/a?mail=bob@example.com and http://[::1]:80/x@y",
    "bob@example.com, git@github.com:a/b.git, ssh://git@github.com:22/a@b",
    "123e4567-e89b-12d3-a456-426614174000 " + "0123456789abcdef" * 4,
    'api_key=os.environ["X"]; password=None; def f(password=None, secret=secret): password = get_password()',
    "password=${DB_PASSWORD} secret=$SECRET token=<token> api_key={{ api_key }} password=****",
    "PWD=/home/me and a task-driven risk-assessment, the bearer of this letter has responsibilities",
    "Authorization: required. Authorization: Basic authentication is required.",
    '{"password": {"type": "string"}, "secret": null, "max_tokens": 3, "a": "b"}',
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_speaks_of_secrets_is_left_alone(text):
    assert redact(text) == text


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "api_key", "apiKey", "client-secret", "Authorization"])
def test_what_stands_under_a_name_that_says_secret_is_hidden(name):
    assert redact_all({name: "plain words", "other": "plain words"}) == {name: HIDDEN, "other": "plain words"}


@given(st.text(alphabet="pasword:=\"'\\{}[]@/ ,1A\n-", max_size=60) | st.sampled_from(list(SHAPED)))
def test_what_was_redacted_once_stays_as_it_is(text):
    once = redact(text)

    assert redact(once) == once


@given(
    st.recursive(
        st.sampled_from(list(SHAPED)) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=6,
    )
)
def test_a_text_that_is_json_stays_json_and_is_redacted_as_the_value(value):
    text = json.dumps([value])

    assert json.loads(redact(text)) == redact_all([value])


def test_an_ambiguous_json_text_hides_what_any_reader_may_see():
    assert "hunter2" not in redact('{"password": "hunter2", "password": null}')


@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity"])
@pytest.mark.parametrize("secret", ['hun"ter2-rest', "O'Brien-rest", "C:\\deep\\rest"])
def test_a_number_that_json_does_not_know_hides_no_less(number, secret):
    body = json.dumps({"password": secret})

    assert "rest" not in redact(f'{{"elapsed":{number},"body":{json.dumps(body)}}}')


PIECES = [
    *(
        "://a:",
        "://a:b@",
        "://",
        "://@:",
        "password",
        "password=",
        "password:",
        'password="',
        "password\\",
        "pwd        ",
    ),
    *(
        "bearer ",
        "bearer a",
        "eyJaaaaaaaaa",
        "eyJaaaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "sk-ant-",
        "api key",
        "[",
    ),
    *('{"password":', "xoxa.xoxa", "ghp_", "AKIA", "authorization: basic ", "\\", "\\\\n", "a", "@", '"', "secret:'"),
]


@pytest.mark.parametrize("piece", PIECES)
def test_no_text_takes_more_than_its_length(piece):
    """What a pattern might go over again and again: one that did would not end within the hour."""
    redact(piece * (300_000 // len(piece)))
