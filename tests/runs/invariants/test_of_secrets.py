"""No known secret stands in a text column, in whatever form it was written there."""

import base64
from urllib.parse import quote

import pytest

from runs.invariants.of_secrets import no_secret_is_stored, no_secret_lies_in_an_artifact
from runs.models import Artifact, Run
from runs.models.artifact import keep_text
from runs.secrets import known

pytestmark = pytest.mark.django_db

SECRET = 'correct "horse" battery'


@pytest.fixture
def tell(monkeypatch):
    """Make the secret known; what was stored before could not be kept free of it."""

    def tell():
        monkeypatch.setenv("AGENTOPS_SECRET_PAYMENTS", SECRET)
        known.cache_clear()

    return tell


def test_a_secret_in_a_plain_text_or_inside_json_is_found_and_not_repeated(post, tell):
    plain, inside, clean = post("clerk"), post("clerk"), post("clerk")
    Run.objects.filter(pk=plain.pk).update(progress_message=f"paying with {SECRET}")
    Run.objects.filter(pk=inside.pk).update(output={"said": f"it is {SECRET}!"})
    Run.objects.filter(pk=clean.pk).update(progress_message=f"paying with {SECRET.upper()}")
    tell()

    found = list(no_secret_is_stored())

    assert {(b.invariant, b.run) for b in found} == {(24, str(plain.pk)), (24, str(inside.pk))}
    assert "runs_run.progress_message" in found[-1].message + found[0].message
    assert not any(SECRET in breach.message for breach in found)


def test_a_secret_in_a_row_of_a_run_is_found_under_that_run(post, tell):
    run = post("clerk")
    run.events.update(data={"key": SECRET})
    tell()

    assert [(b.invariant, b.run) for b in no_secret_is_stored()] == [(24, str(run.pk))]


@pytest.mark.parametrize(
    "form",
    [
        quote(SECRET),
        base64.b64encode(f"me:{SECRET}".encode()).decode(),
        f'{{"text": "{{\\"said\\": \\"{SECRET}\\"}}"}}',
    ],
    ids=["of a URL", "base64", "JSON within a text"],
)
def test_a_secret_is_found_in_other_forms(post, tell, form):
    run = post("clerk")
    Run.objects.filter(pk=run.pk).update(output={"said": form})
    tell()

    assert [(b.invariant, b.run) for b in no_secret_is_stored()] == [(24, str(run.pk))]


def test_a_secret_in_an_artifact_is_found(post, tell):
    run = post("clerk")
    keep_text(run, name="long", text=f"it is {SECRET}!").save()
    tell()

    (found,) = no_secret_lies_in_an_artifact()

    assert found.run == str(run.pk) and str(Artifact.objects.get().pk) in found.message


def test_without_secrets_nothing_is_read(monkeypatch, django_assert_num_queries):
    for name in ("AGENTOPS_SECRET_PAYMENTS", "SECRET_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    with django_assert_num_queries(0):
        assert list(no_secret_is_stored()) == []
