import pytest
from django.test import Client
from django.urls import reverse

from deadletters.models import DeadLetter
from runs.models import Run
from tests.runs.admin.rows import make_failed, make_tenant, make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/deadletters/deadletter/"
PERMS = ("deadletters.view_deadletter", "deadletters.replay_deadletter", "runs.view_run")


@pytest.fixture
def tenant(db):
    return make_tenant()


@pytest.fixture
def operator(tenant):
    return make_user("olga", tenant=tenant, perms=PERMS)


@pytest.fixture
def operator_client(operator):
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def letter(tenant, operator):
    return make_failed(tenant, operator)


def page_of(letter):
    return reverse("admin:deadletters_deadletter_change", args=[letter.pk])


def verb_of(letter, verb):
    return reverse(f"admin:deadletters_deadletter_{verb}", args=[letter.pk])


def test_the_page_shows_cause_and_effects_and_links_to_the_run(operator_client, letter):
    text = operator_client.get(page_of(letter)).content.decode()

    assert "Traceback (most recent call last)" in text
    assert "effect key k-2" in text
    assert reverse("admin:runs_run_change", args=[letter.run_id]) in text


def test_replaying_continues_the_run(operator_client, letter, operator):
    response = operator_client.post(verb_of(letter, "replay"))

    letter.refresh_from_db()
    assert (letter.status, letter.decided_by) == ("replayed", operator)
    assert Run.objects.get(pk=letter.run_id).status == "queued"
    assert response.url == reverse("admin:runs_run_change", args=[letter.run_id])


def test_replaying_with_other_input_starts_a_new_run(operator_client, letter):
    operator_client.post(verb_of(letter, "replay"), {"input": '{"text": "Refund order 1."}'})

    fork = Run.objects.get(forked_from=letter.run_id)
    assert fork.input == {"text": "Refund order 1."}
    assert Run.objects.get(pk=letter.run_id).status == "failed"


@pytest.mark.parametrize("typed", ["{broken", "[1]", '{"other": 1}', ""])
def test_wrong_input_is_refused_and_stays_as_typed(operator_client, letter, typed):
    page = operator_client.post(verb_of(letter, "replay"), {"input": typed})

    assert page.context["replay_form"]["input"].value() == typed
    assert page.context["replay_form"].errors
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


def test_discarding_needs_a_reason(operator_client, letter):
    operator_client.post(verb_of(letter, "discard"), {"note": ""})
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"

    operator_client.post(verb_of(letter, "discard"), {"note": "known"})
    letter.refresh_from_db()
    assert (letter.status, letter.note) == ("discarded", "known")


def test_who_comes_second_is_told(operator_client, letter):
    operator_client.post(verb_of(letter, "discard"), {"note": "known"})

    response = operator_client.post(verb_of(letter, "replay"), follow=True)

    assert "already discarded" in response.content.decode()
    assert Run.objects.get(pk=letter.run_id).status == "failed"


def test_the_bulk_action_replays_what_can_be_and_names_the_rest(operator_client, letter, tenant, operator):
    other = make_failed(tenant, operator)
    Run.objects.filter(pk=other.run_id).update(status="completed")
    chosen = {"action": "replay_selected", "_selected_action": [letter.pk, other.pk]}

    response = operator_client.post(LIST, chosen, follow=True)

    assert DeadLetter.objects.get(pk=letter.pk).status == "replayed"
    assert DeadLetter.objects.get(pk=other.pk).status == "open"
    assert "Replayed: 1" in response.content.decode()
    assert "only a failed run can be retried" in response.content.decode()


def test_a_bug_of_the_replayer_is_not_taken_for_a_refusal(operator_client, letter, monkeypatch):
    class Broken:
        def replay(self, *_, **__):
            raise ZeroDivisionError

    monkeypatch.setattr("deadletters.work._known", [Broken()])

    with pytest.raises(ZeroDivisionError):
        operator_client.post(verb_of(letter, "replay"))
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_getting_a_verb_changes_nothing(operator_client, letter, verb):
    assert operator_client.get(verb_of(letter, verb)).status_code == 405
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_a_verb_without_a_csrf_token_is_refused(operator, letter, verb):
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(verb_of(letter, verb), {"note": "known"}).status_code == 403
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


def test_a_reader_may_look_but_not_act(client, letter, tenant):
    client.force_login(make_user("rita", tenant=tenant, perms=("deadletters.view_deadletter",)))

    assert "You lack the permission" in client.get(page_of(letter)).content.decode()
    assert client.post(verb_of(letter, "replay")).status_code == 403
    assert client.post(verb_of(letter, "discard"), {"note": "x"}).status_code == 403
    assert "replay_selected" not in client.get(LIST).content.decode()


def test_the_letters_of_another_tenant_do_not_exist(operator_client, operator):
    letter = make_failed(make_tenant("globex"), operator)

    assert operator_client.get(page_of(letter)).status_code == 404
    assert operator_client.post(verb_of(letter, "replay")).status_code == 404
    assert operator_client.get(LIST).context["cl"].result_count == 0


def test_nobody_adds_edits_or_deletes_a_letter(client, letter, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(page_of(letter), {"status": "replayed"}).status_code == 403
    assert client.post(f"{LIST}{letter.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_list_asks_a_fixed_number_of_queries(operator_client, operator, tenant, django_assert_num_queries):
    for _ in range(12):
        make_failed(tenant, operator)
    operator_client.get(LIST)

    # session, user, permissions (2), count twice, letters, job types, error classes, tenants
    with django_assert_num_queries(10):
        operator_client.get(LIST)


def test_an_empty_list_says_that_all_is_well(operator_client):
    assert "no run has failed for good" in operator_client.get(LIST).content.decode()
