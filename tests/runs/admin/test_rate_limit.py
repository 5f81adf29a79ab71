"""Rate limits in the console: added and edited by permission, with what they have left."""

import pytest

from runs import clock
from runs.engine.rate_limits.active import forget_rate_limits
from runs.models import RateLimit
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_user

LIST = "/admin/runs/ratelimit/"
ADD = f"{LIST}add/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(tenant):
    return make_user("kim", tenant=tenant, perms=tuple(f"runs.{verb}_ratelimit" for verb in ("view", "add", "change")))


def form(**columns):
    return {
        "provider": "anthropic",
        "workspace": "",
        "model_class": "claude-sonnet-5",
        "requests_per_minute": "50",
        "input_tokens_per_minute": "40000",
        "output_tokens_per_minute": "",
        "ramp_s": "30",
        "note": "from the provider's console",
        **columns,
    }


def test_whoever_may_adds_a_rate_limit_and_sees_what_it_has_left(editor, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)

    answer = signed_in(editor).post(ADD, form(), follow=True)

    row = RateLimit.objects.get()
    page = answer.content.decode()
    assert (row.requests_per_minute, row.output_tokens_per_minute) == (50, None)
    assert "requests: 0, +5 a minute\ninput tokens: 0, +4,000 a minute" in page, "it begins cold"


def test_one_that_does_not_hold_here_says_so(root_client):
    RateLimit.objects.create(workspace="other", requests_per_minute=1)
    forget_rate_limits()

    assert "not in use" in root_client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"requests_per_minute": "", "input_tokens_per_minute": ""}, "at least one of the three limits"),
        ({"model_class": "claude-*"}, "without a *"),
        ({"requests_per_minute": "0"}, "greater than or equal to 1"),
        ({"ramp_s": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_rate_limit_that_means_nothing_is_refused_with_what_to_write(editor, columns, words):
    answer = signed_in(editor).post(ADD, form(**columns))

    assert words in answer.content.decode() and not RateLimit.objects.exists()


def test_whoever_may_not_add_is_refused(tenant):
    reader = make_user("rita", tenant=tenant, perms=("runs.view_ratelimit",))

    assert signed_in(reader).get(LIST).status_code == 200
    assert signed_in(reader).post(ADD, form()).status_code == 403
