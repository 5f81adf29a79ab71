import pytest
from django.test import Client
from django.urls import reverse

from deadletters.models import DeadLetter
from runs.models import Role, Run
from tests.runs.admin.rows import make_failed, make_letter, make_step, make_tenant, make_user

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
    wrong = operator_client.post(verb_of(letter, "discard"), {"note": ""}, follow=True)
    assert "already discarded" in wrong.content.decode()
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
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("deadletters.replay.replay_run", broken)

    with pytest.raises(ZeroDivisionError):
        operator_client.post(verb_of(letter, "replay"))
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


@pytest.mark.parametrize("verb", ["replay", "discard", "assign", "task", "done"])
def test_getting_a_verb_changes_nothing(operator_client, letter, verb):
    assert operator_client.get(verb_of(letter, verb)).status_code == 405
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


@pytest.mark.parametrize("verb", ["replay", "preview", "discard", "assign", "task", "done"])
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


# What a replay would do


def test_a_replay_is_previewed_and_then_confirmed(operator_client, letter):
    page = operator_client.get(verb_of(letter, "preview"))

    assert page.context["preview"]["facts"][:2] == [("Steps reused", "none"), ("Steps done again", "1")]
    assert f'action="{verb_of(letter, "replay")}"' in page.content.decode()
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"
    assert Run.objects.get(pk=letter.run_id).status == "failed"


def test_the_confirmation_hands_on_what_was_asked_for(operator_client, letter):
    from_step = operator_client.get(verb_of(letter, "preview"), {"from_step": "1"}).content.decode()
    typed = operator_client.post(verb_of(letter, "preview"), {"input": '{"text": "<b>"}'}).content.decode()

    assert '<input type="hidden" name="from_step" value="1">' in from_step
    assert 'name="input" value="{&quot;text&quot;: &quot;&lt;b&gt;&quot;}"' in typed
    assert Run.objects.count() == 1

    operator_client.post(verb_of(letter, "replay"), {"from_step": "1"})
    assert Run.objects.get(forked_from=letter.run_id).origin == "replay"


def test_a_preview_warns_of_effects_that_would_happen_again_or_may_have_happened(operator_client, letter):
    run = Run.objects.get(pk=letter.run_id)
    make_step(run, "tool_call", effect="unsafe", effect_key="k-2")
    make_step(run, "tool_call", "unknown", effect="unsafe", effect_key="k-3")

    effects = {heading: lines for heading, _, lines in preview_of(operator_client, letter, from_step="1")["effects"]}

    assert effects["Would happen again"] == ["step 2: console_refund, effect key k-2"]
    assert [lines for heading, lines in effects.items() if heading.startswith("May")] == [
        ["step 3: console_refund, effect key k-3"]
    ]


def preview_of(client, letter, **query):
    return client.get(verb_of(letter, "preview"), query).context["preview"]


@pytest.mark.parametrize("from_step", ["0", "x", "", "99"])
def test_a_step_that_is_not_there_is_refused_at_its_field(operator_client, letter, from_step):
    page = operator_client.get(verb_of(letter, "preview"), {"from_step": from_step})

    assert page.context["step_form"].errors["from_step"]


def test_a_replay_that_would_be_refused_says_so_and_has_no_button(operator_client, letter, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "replays_max": 0}

    text = operator_client.get(verb_of(letter, "preview")).content.decode()

    assert "It would be refused" in text and 'act--approve" disabled' in text


def test_a_letter_with_an_unknown_effect_is_not_replayed_with_others(operator_client, letter):
    run = Run.objects.get(pk=letter.run_id)
    make_step(run, "tool_call", "unknown", effect="unsafe", effect_key="k-2")
    chosen = {"action": "replay_selected", "_selected_action": [letter.pk]}

    response = operator_client.post(LIST, chosen, follow=True)

    assert "an effect may have happened" in response.content.decode()
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


# People


def test_a_letter_becomes_a_task_and_is_done(operator_client, letter, operator, tenant):
    make_user("carl", tenant=tenant)
    operator_client.post(verb_of(letter, "assign"), {"assignee": "olga"})
    operator_client.post(verb_of(letter, "task"), {"assignee": "carl", "due_at": "2090-01-31T08:00", "note": "by hand"})

    text = operator_client.get(page_of(letter)).content.decode()
    assert "2090-01-31 08:00:00 UTC" in text and "carl" in text and "Done</button>" in text

    operator_client.post(verb_of(letter, "done"), {"note": "refunded in the shop"})
    letter.refresh_from_db()
    assert (letter.is_live, letter.decided_by) == (False, operator)
    text = operator_client.get(page_of(letter)).content.decode()
    assert "refunded in the shop" in text and "Deal with it" not in text
    assert [event.verb for event in letter.events.all()] == ["assign", "task", "done"]


@pytest.mark.parametrize(
    ("verb", "typed", "field"),
    [
        ("assign", {"assignee": "nobody"}, "assignee"),
        ("assign", {"assignee": "stranger"}, "assignee"),
        ("task", {"assignee": "olga"}, "due_at"),
        ("task", {"assignee": "olga", "due_at": "2020-01-31T08:00"}, "due_at"),
        ("discard", {}, "note"),
    ],
)
def test_a_wrong_form_is_shown_again_with_what_is_wrong(operator_client, letter, verb, typed, field):
    make_user("stranger", tenant=make_tenant("globex"))

    page = operator_client.post(verb_of(letter, verb), typed)

    (form,) = [choice.form for choice in page.context["choices"] if choice.form.errors]
    assert set(form.errors) == {field}
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


def test_a_viewer_with_the_permission_but_not_the_role_discards_nothing(client, letter, tenant):
    client.force_login(make_user("vera", tenant=tenant, role=Role.VIEWER, perms=PERMS))

    response = client.post(verb_of(letter, "discard"), {"note": "x"}, follow=True)

    assert "needs one of the roles" in response.content.decode()
    assert DeadLetter.objects.get(pk=letter.pk).status == "open"


def test_a_letter_links_to_the_letters_of_its_chain(operator_client, letter, operator):
    operator_client.post(verb_of(letter, "replay"))
    later = make_letter(Run.objects.get(pk=letter.run_id), replays=1)

    assert page_of(later) in operator_client.get(page_of(letter)).content.decode()
    assert page_of(letter) in operator_client.get(page_of(later)).content.decode()
