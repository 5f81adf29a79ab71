"""No known secret stands in a text column, in whatever form it was written there."""

import pytest

from runs.invariants.of_secrets import no_secret_is_stored
from runs.models import Run

pytestmark = pytest.mark.django_db

SECRET = 'correct "horse" battery'


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("AGENTOPS_SECRET_PAYMENTS", SECRET)


def test_a_secret_in_a_plain_text_or_inside_json_is_found_and_not_repeated(post):
    plain, inside, clean = post("clerk"), post("clerk"), post("clerk")
    Run.objects.filter(pk=plain.pk).update(progress_message=f"paying with {SECRET}")
    Run.objects.filter(pk=inside.pk).update(output={"said": f"it is {SECRET}!"})
    Run.objects.filter(pk=clean.pk).update(progress_message=f"paying with {SECRET.upper()}")

    found = list(no_secret_is_stored())

    assert {(b.invariant, b.run) for b in found} == {(24, str(plain.pk)), (24, str(inside.pk))}
    assert "runs_run.progress_message" in found[-1].message + found[0].message
    assert not any(SECRET in breach.message for breach in found)


def test_a_secret_in_a_row_of_a_run_is_found_under_that_run(post):
    run = post("clerk")
    run.events.update(data={"key": SECRET})

    assert [(b.invariant, b.run) for b in no_secret_is_stored()] == [(24, str(run.pk))]


def test_without_secrets_nothing_is_read(monkeypatch, django_assert_num_queries):
    for name in ("AGENTOPS_SECRET_PAYMENTS", "SECRET_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    with django_assert_num_queries(0):
        assert list(no_secret_is_stored()) == []
