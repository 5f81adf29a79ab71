"""The console's pages of redrives."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from deadletters.models import DeadLetter, Redrive
from deadletters.redrive.actions import pause, start
from runs.models import Run
from tests.deadletters.redrive.letters import (
    CAUSE,
    end_runs,
    fresh,
    make_letters,
    make_uncertain,
    plan_for,
    step,
)
from tests.runs.admin.rows import HOSTILE, make_tenant, make_user

pytestmark = pytest.mark.django_db

LETTERS = "/admin/deadletters/deadletter/"
LIST = "/admin/deadletters/redrive/"
PLAN = f"{LIST}plan/"
TERMS = {"rate_per_s": "5", "concurrency": "20", "canary": "5", "stop_above_percent": "20"}
VERBS = ("start", "pause", "resume", "abort")


@pytest.fixture
def olga(tenant):
    return make_user("olga", tenant=tenant, perms=("deadletters.view_deadletter", "deadletters.replay_deadletter"))


@pytest.fixture
def olga_client(olga):
    return signed_in(olga)


@pytest.fixture
def redrive(thirty, olga):
    return plan_for(olga)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def page_of(redrive):
    return reverse("admin:deadletters_redrive_change", args=[redrive.pk])


def verb_of(redrive, verb):
    return reverse(f"admin:deadletters_redrive_{verb}", args=[redrive.pk])


def text_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


# Planning


def test_chosen_letters_lead_to_the_plan_and_to_the_redrives_page(thirty, olga_client):
    chosen = [str(letter.pk) for letter in thirty[:3]]

    asked = olga_client.post(LETTERS, {"action": "redrive_selected", "_selected_action": chosen})
    assert "3 chosen letters" in asked.content.decode() and not Redrive.objects.exists()
    ids = asked.context["form"]["ids"].value()
    response = olga_client.post(PLAN, TERMS | {"ids": ids, "rate_per_s": "2.5"}, follow=True)

    redrive = Redrive.objects.get()
    assert response.redirect_chain == [(page_of(redrive), 302)]
    assert (redrive.total, redrive.rate_per_s, redrive.status) == (3, 2.5, "planned")
    assert {str(item.letter_id) for item in redrive.items.all()} == set(chosen)
    assert "nothing is sent until somebody starts it" in response.content.decode()


def test_one_is_planned_by_its_cause(thirty, olga_client, tenant, olga):
    make_uncertain(tenant, olga)
    assert f'value="{CAUSE}"' in text_of(olga_client, f"{PLAN}?fingerprint={CAUSE}")

    response = olga_client.post(PLAN, TERMS | {"fingerprint": CAUSE}, follow=True)

    text = response.content.decode()
    assert "a person must look first" in text and f"fingerprint {CAUSE}" in text
    assert Redrive.objects.get().excluded == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"rate_per_s": "0"}, "rate_per_s"),
        ({"canary": ""}, "canary"),
        ({"failed_after": "soon"}, "failed_after"),
        ({"ids": "x"}, "ids"),
        ({"fingerprint": "v1-none"}, "__all__"),
    ],
)
def test_what_does_not_fit_is_named_and_the_rest_stays_as_typed(thirty, olga_client, typed, field):
    page = olga_client.post(PLAN, TERMS | {"concurrency": "7"} | typed)

    assert list(page.context["form"].errors) == [field]
    assert page.context["form"]["concurrency"].value() == "7"
    assert not Redrive.objects.exists()


def test_letters_of_another_tenant_cannot_be_planned(olga_client, olga):
    other = make_letters(1, make_tenant("globex"), olga)[0]

    page = olga_client.post(PLAN, TERMS | {"ids": str(other.pk)})

    assert "no dead letter matches" in page.content.decode() and not Redrive.objects.exists()


# The page


def test_the_page_shows_how_far_it_is(redrive, olga, olga_client):
    start(redrive, user=olga)
    step(redrive, 0), step(redrive, 10)
    end_runs(redrive, count=3)
    step(redrive, 10)

    text = text_of(olga_client, page_of(redrive))

    assert '<progress max="30" value="3"' in text and "5 of 30 sent, 3 ended" in text
    assert "the first 5 are awaited before more is sent: 3 have ended" in text
    assert 'http-equiv="refresh"' in text and "Pause" in text and "Resume" not in text
    assert 'http-equiv="refresh"' not in text_of(olga_client, f"{page_of(redrive)}?refresh=off")


def test_it_reloads_only_while_something_goes_on(redrive, olga, olga_client):
    assert 'http-equiv="refresh"' not in text_of(olga_client, page_of(redrive))
    start(redrive, user=olga)
    assert 'http-equiv="refresh"' in text_of(olga_client, page_of(redrive))
    pause(redrive, user=olga)
    step(redrive, 0)
    assert 'http-equiv="refresh"' not in text_of(olga_client, page_of(redrive))


def test_its_letters_are_paged_and_filtered_by_state(tenant, olga, olga_client, monkeypatch):
    monkeypatch.setattr("deadletters.admin.redrive_page.ITEMS_PER_PAGE", 4)
    make_letters(6, tenant, olga)
    make_uncertain(tenant, olga)
    redrive = plan_for(olga)

    def rows(query):
        return [item.place for item in olga_client.get(f"{page_of(redrive)}?{query}").context["page"]]

    assert rows("") == [1, 2, 3, 4] and rows("page=2") == [5, 6, 7]
    assert rows("state=excluded") == [7] and rows("state=failed") == [] and rows("state=x&page=y") == [1, 2, 3, 4]


def test_hostile_text_is_shown_as_text(redrive, olga, olga_client):
    DeadLetter.objects.update(error_class=HOSTILE[:200])
    redrive.items.update(state="skipped", reason=HOSTILE)
    Redrive.objects.update(skipped=30, reason=HOSTILE, selection='{"job_type": "<script>x"}')

    for address in (page_of(redrive), LIST):
        text = text_of(olga_client, address)
        assert "<img src=x" not in text and "<script>x" not in text and "&lt;" in text


def test_the_list_asks_a_fixed_number_of_queries(thirty, olga, olga_client, django_assert_max_num_queries):
    for letter in thirty[:6]:
        plan_for(olga, letters=DeadLetter.objects.filter(pk=letter.pk))
    olga_client.get(LIST)

    with django_assert_max_num_queries(9):
        assert olga_client.get(LIST).context["cl"].result_count == 6


def test_an_empty_list_says_where_they_come_from(olga_client, tenant):
    assert "choose letters in the list of dead letters" in text_of(olga_client, LIST)


# Verbs


def test_every_verb_works_and_is_offered_when_it_fits(redrive, olga_client):
    for verb, offered in [("start", "start abort"), ("pause", "pause abort"), ("resume", "resume abort")]:
        choices = olga_client.get(page_of(redrive)).context["choices"]
        assert " ".join(choice.name for choice in choices) == offered
        olga_client.post(verb_of(redrive, verb))
    olga_client.post(verb_of(redrive, "abort"), {"note": "enough"})

    assert (fresh(redrive).status, fresh(redrive).reason) == ("aborted", "enough")
    assert olga_client.get(page_of(redrive)).context["choices"] == []


def test_who_comes_second_is_told_by_whom_and_when(redrive, olga_client):
    olga_client.post(verb_of(redrive, "abort"))

    text = olga_client.post(verb_of(redrive, "start"), follow=True).content.decode()

    assert "the redrive is already aborted, by olga at 20" in text


@pytest.mark.parametrize("verb", ["pause", "abort"])
def test_a_reason_that_is_too_long_is_shown_again_and_the_links_lead_to_the_redrives_page(redrive, olga_client, verb):
    olga_client.post(verb_of(redrive, "start"))

    page = olga_client.post(verb_of(redrive, verb), {"note": "x" * 4001})

    choice = next(choice for choice in page.context["choices"] if choice.name == verb)
    assert list(choice.form.errors) == ["note"] and fresh(redrive).status == "running"
    links = re.findall(r'href="([^"]*\?[^"]*)"', page.content.decode())
    assert len(links) > 3 and {link.split("?")[0] for link in links} == {page_of(redrive)}


def test_a_wrong_reason_for_a_verb_that_does_not_fit_says_that_it_does_not(redrive, olga_client):
    refused = olga_client.post(verb_of(redrive, "pause"), {"note": "x" * 4001}, follow=True)
    assert refused.redirect_chain == [(page_of(redrive), 302)]
    assert "Not done: cannot pause it: the redrive is already planned" in refused.content.decode()

    olga_client.post(verb_of(redrive, "abort"))
    again = olga_client.post(verb_of(redrive, "abort"), {"note": "x" * 4001}, follow=True)
    assert "the redrive is already aborted, by olga at 20" in again.content.decode()


@pytest.mark.parametrize("verb", VERBS)
def test_getting_a_verb_changes_nothing_and_posting_needs_a_csrf_token(redrive, olga, olga_client, verb):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(olga)

    assert olga_client.get(verb_of(redrive, verb)).status_code == 405
    assert strict.post(verb_of(redrive, verb)).status_code == 403
    assert strict.post(PLAN, TERMS).status_code == 403
    assert fresh(redrive).status == "planned" and Redrive.objects.count() == 1


def test_a_reader_may_look_but_not_act(redrive, tenant):
    rita = signed_in(make_user("rita", tenant=tenant, perms=("deadletters.view_deadletter",)))

    assert "You lack the permission" in text_of(rita, page_of(redrive))
    assert {rita.post(verb_of(redrive, verb)).status_code for verb in VERBS} == {403}
    assert rita.get(PLAN).status_code == rita.post(PLAN, TERMS).status_code == 403
    assert "redrive_selected" not in text_of(rita, LETTERS) and "Plan a redrive" not in text_of(rita, LIST)


def test_the_permission_without_the_role_is_not_enough(redrive, tenant):
    viewer = signed_in(
        make_user(
            "vera", tenant=tenant, role="viewer", perms=("deadletters.view_deadletter", "deadletters.replay_deadletter")
        )
    )

    assert viewer.post(verb_of(redrive, "start")).status_code == 403
    assert fresh(redrive).status == "planned"


def test_a_redrive_of_another_tenant_does_not_exist(olga_client, django_user_model):
    root = django_user_model.objects.create_superuser("root")
    make_letters(1, make_tenant("globex"), root)
    theirs = plan_for(root)
    make_letters(1, make_tenant("acme"), root)
    of_several = plan_for(root, letters=DeadLetter.objects.all())
    Redrive.objects.filter(pk=of_several.pk).update(tenant="")

    for redrive in (theirs, of_several):
        assert olga_client.get(page_of(redrive)).status_code == 404
        assert {olga_client.post(verb_of(redrive, verb)).status_code for verb in VERBS} == {404}
    assert olga_client.get(LIST).context["cl"].result_count == 0


def test_nobody_adds_edits_or_deletes_one(redrive, django_user_model):
    root = signed_in(django_user_model.objects.create_superuser("root"))

    assert root.get(f"{LIST}add/").status_code == 403
    assert root.post(page_of(redrive), {"status": "completed"}).status_code == 403
    assert root.post(f"{LIST}{redrive.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Run.objects.filter(status="queued").count() == 0
