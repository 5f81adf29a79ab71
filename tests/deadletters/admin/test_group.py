"""The console's pages of causes."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deadletters.models import DeadLetter, LetterGroup
from runs.models import Role
from tests.deadletters.letters import fail
from tests.runs.admin.rows import HOSTILE, make_tenant, make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/deadletters/lettergroup/"
PERMS = ("deadletters.view_deadletter", "deadletters.replay_deadletter")


@pytest.fixture
def operator(db):
    return make_user("olga", tenant=make_tenant(), perms=PERMS)


@pytest.fixture
def olga(operator):
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def group():
    for hours in (0, 1, 40):
        fail("order 5098 is unknown", version="abc", failed_at=timezone.now() - timedelta(hours=hours))
    return LetterGroup.objects.get()


def page_of(group):
    return reverse("admin:deadletters_lettergroup_change", args=[group.pk])


def verb_of(group, verb):
    return reverse(f"admin:deadletters_lettergroup_{verb}", args=[group.pk])


def test_300_letters_of_three_causes_are_three_rows(olga):
    for number in range(300):
        fail(f"order {number} is unknown", job_type=("refund", "mail", "invoice")[number % 3])

    page = olga.get(LIST)

    assert page.context["cl"].result_count == 3
    assert [row.stats.count for row in page.context["cl"].result_list] == [100, 100, 100]


def test_the_list_shows_count_trend_tenants_and_versions(olga, group):
    text = olga.get(LIST).content.decode()

    assert 'aria-label="Letters per hour in the last 24 hours: 2 in all, at most 1 in one hour"' in text
    assert text.count("<rect ") == 24
    for shown in ("order &lt;n&gt; is unknown", "acme", "abc", ">3<"):
        assert shown in text


def test_the_list_asks_a_fixed_number_of_queries(olga, django_assert_max_num_queries):
    for number in range(12):
        fail(job_type=f"job-{number}")
    olga.get(LIST)

    # session, user, permissions (2), count twice, groups, figures (2), shared, and three filters
    with django_assert_max_num_queries(13):
        olga.get(LIST)


def test_groups_come_before_letters_in_the_menu(olga, group):
    text = olga.get("/admin/").content.decode()

    assert 0 < text.index(LIST) < text.index("/admin/deadletters/deadletter/")


def test_an_empty_list_says_that_all_is_well(olga):
    assert "no run has failed for good" in olga.get(LIST).content.decode()


def test_the_page_shows_sample_breakdowns_and_letters(olga, group):
    text = olga.get(page_of(group)).content.decode()

    assert "order &lt;n&gt; is unknown" in text and "2 in all" in text
    for letter in DeadLetter.objects.all():
        assert reverse("admin:deadletters_deadletter_change", args=[letter.pk]) in text
    listed = olga.get("/admin/deadletters/deadletter/", {"fingerprint": group.fingerprint})
    assert listed.context["cl"].result_count == 3


def test_a_cause_is_resolved_ignored_reopened_and_assigned(olga, group, operator):
    olga.post(verb_of(group, "assign"), {"assignee": "olga"})
    olga.post(verb_of(group, "ignore"), {"above_per_hour": "9", "note": "known"})
    group.refresh_from_db()
    assert (group.state, group.ignored_above_per_hour, group.assignee) == ("ignored", 9, operator)

    olga.post(verb_of(group, "reopen"), {})
    olga.post(verb_of(group, "resolve"), {"note": "fixed in 1.2"})
    group.refresh_from_db()
    assert (group.state, group.resolved_by, group.note) == ("resolved", operator, "fixed in 1.2")

    text = olga.get(page_of(group)).content.decode()
    assert "fixed in 1.2" in text and verb_of(group, "reopen") in text and verb_of(group, "resolve") not in text
    assert "already resolved by olga" in olga.post(verb_of(group, "resolve"), follow=True).content.decode()


def test_nothing_is_ignored_for_ever(olga, group):
    page = olga.post(verb_of(group, "ignore"), {"note": "known"})

    assert "nothing is ignored for ever" in page.content.decode()
    assert LetterGroup.objects.get().state == "open"


def test_a_wrong_note_for_a_verb_that_does_not_fit_says_that_it_does_not(olga, group):
    olga.post(verb_of(group, "resolve"))

    refused = olga.post(verb_of(group, "resolve"), {"note": "x" * 4001}, follow=True)

    assert refused.redirect_chain == [(page_of(group), 302)]
    assert "Not done: “Resolve” does not fit its state." in refused.content.decode()


def test_a_cause_that_other_tenants_met_is_shown_in_part_and_not_decided(olga, group):
    fail("order 1 is unknown", tenant=make_tenant("globex").slug)
    LetterGroup.objects.update(note="globex is our largest customer")

    text = olga.get(page_of(group)).content.decode()

    assert "globex" not in text and "You may not decide about it" in text
    assert "needs one of the roles" in olga.post(verb_of(group, "resolve"), follow=True).content.decode()
    assert LetterGroup.objects.get().state == "open"


def test_a_cause_of_other_tenants_does_not_exist(olga):
    fail(tenant=make_tenant("globex").slug)
    group = LetterGroup.objects.get()

    assert olga.get(page_of(group)).status_code == olga.post(verb_of(group, "resolve")).status_code == 404
    assert olga.get(LIST).context["cl"].result_count == 0


def test_a_reader_may_look_but_not_act(client, group):
    client.force_login(make_user("rita", tenant=make_tenant(), role=Role.ADMIN, perms=PERMS[:1]))

    assert "You lack the permission" in client.get(page_of(group)).content.decode()
    assert client.post(verb_of(group, "resolve")).status_code == 403


@pytest.mark.parametrize("verb", ["resolve", "ignore", "assign", "reopen"])
def test_a_verb_is_posted_with_a_token_or_not_at_all(olga, operator, group, verb):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)

    assert olga.get(verb_of(group, verb)).status_code == 405
    assert strict.post(verb_of(group, verb), {"note": "x"}).status_code == 403
    assert LetterGroup.objects.get().state == "open"


def test_nobody_adds_edits_or_deletes_a_cause(client, group, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(page_of(group), {"state": "resolved"}).status_code == 403
    assert client.post(f"{LIST}{group.pk}/delete/", {"post": "yes"}).status_code == 403


def test_hostile_text_is_shown_as_text(olga):
    fail(HOSTILE, job_type=HOSTILE[:90], version="<b>")

    for page in (LIST, page_of(LetterGroup.objects.get())):
        text = olga.get(page).content.decode()
        assert "&lt;img src=x" in text and "<img src=x" not in text
