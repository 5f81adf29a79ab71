"""Limits and pauses in the console: set by whom may, changed and ended by a button, hostile words escaped."""

from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.urls import reverse

from runs import clock
from runs.admin.limit import LimitAdmin
from runs.models import Limit, Pause, RatedCall
from tests.runs.admin.actions.pages import text_of, texts
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import HOSTILE, make_user

pytestmark = pytest.mark.django_db
LIMITS, PAUSES = "/admin/runs/limit/", "/admin/runs/pause/"
SET, PAUSE = reverse("admin:runs_limit_set"), reverse("admin:runs_pause_pause")


def limit_of(tenant=None, **changes):
    typed = {"tenant": tenant.pk if tenant else "", "queue": "agents", "job_type": "", "model": "", "most": "3"}
    return typed | {"kind": "concurrency", "per_s": "60", "note": HOSTILE} | changes


def pause_of(tenant=None, **changes):
    typed = {"tenant": tenant.pk if tenant else "", "queue": "agents", "job_type": "", "model": "", "until": ""}
    return typed | {"reason": HOSTILE} | changes


def test_an_admin_sets_a_limit_changes_it_and_switches_it_off(operator_client, tenant):
    page = operator_client.post(SET, limit_of(tenant), follow=True)
    limit = Limit.objects.get()

    assert "Set: 3 at once: queue agents, tenant acme." in texts(page)
    operator_client.post(reverse("admin:runs_limit_most", args=[limit.pk]), {"most": "5"})
    operator_client.post(reverse("admin:runs_limit_off", args=[limit.pk]))
    limit.refresh_from_db()
    assert (limit.most, limit.is_active, limit.updated_by.username) == (5, False, "olga")
    operator_client.post(reverse("admin:runs_limit_most", args=[limit.pk]), {"most": "many"})
    assert Limit.objects.get().most == 5
    for address in (LIMITS, f"{LIMITS}{limit.pk}/change/"):
        shown = operator_client.get(address)
        assert shown.status_code == 200 and "<img src=x" not in shown.content.decode()


def test_an_operator_pauses_and_ends_it(tenant):
    client = signed_in(make_user("otto", tenant=tenant, role="operator", perms=OPERATOR))

    page = client.post(PAUSE, pause_of(tenant), follow=True)
    paused = Pause.objects.get()
    client.post(reverse("admin:runs_pause_end", args=[paused.pk]))

    assert "nothing new starts" in texts(page)
    assert Pause.objects.get().ended_by.username == "otto"
    shown = client.get(f"{PAUSES}{paused.pk}/change/")
    assert shown.status_code == 200 and "<img src=x" not in shown.content.decode()
    assert client.post(SET, limit_of(tenant)).status_code in (200, 403) and not Limit.objects.exists()


def ended(client, paused):
    return texts(client.post(reverse("admin:runs_pause_end", args=[paused.pk]), follow=True))


def test_ending_a_pause_says_what_another_pause_still_holds(root_client, tenant):
    for scope in ({}, {"tenant": tenant}, {"job_type": "clerk"}):
        root_client.post(PAUSE, pause_of(**scope))
    narrow, of_tenant = Pause.objects.get(job_type="clerk"), Pause.objects.get(tenant=tenant)
    of_queue = Pause.objects.get(tenant=None, job_type="")

    assert "queue agents, clerk still does not start: queue agents is paused, too." in ended(root_client, narrow)
    assert "queue agents starts again, except what else is paused: queue agents, tenant acme." in ended(
        root_client, of_queue
    )
    assert "Ended: queue agents, tenant acme starts again." in ended(root_client, of_tenant)


def test_a_second_pause_of_a_scope_is_refused_with_words(root_client):
    root_client.post(PAUSE, pause_of())

    page = root_client.post(PAUSE, pause_of())

    assert "queue agents is already paused by root" in page.content.decode() and Pause.objects.count() == 1


def test_what_is_everybodys_is_a_superusers(operator_client, root_client, operator, tenant):
    operator_client.post(SET, limit_of()), operator_client.post(PAUSE, pause_of())
    assert not Limit.objects.exists() and not Pause.objects.exists()

    root_client.post(SET, limit_of()), root_client.post(PAUSE, pause_of())

    limit, paused = Limit.objects.get(), Pause.objects.get()
    assert (limit.tenant, paused.tenant) == (None, None) and "queue agents" in text_of(operator_client, LIMITS)
    assert operator_client.post(reverse("admin:runs_limit_off", args=[limit.pk])).status_code == 403
    assert operator_client.post(reverse("admin:runs_pause_end", args=[paused.pk])).status_code == 403


def test_a_get_changes_nothing_and_another_tenants_do_not_exist(operator_client, root_client, other_tenant):
    root_client.post(SET, limit_of(other_tenant)), root_client.post(PAUSE, pause_of(other_tenant))
    limit, paused = Limit.objects.get(), Pause.objects.get()
    addresses = [reverse("admin:runs_limit_off", args=[limit.pk]), reverse("admin:runs_pause_end", args=[paused.pk])]

    assert [root_client.get(address).status_code for address in addresses] == [405, 405]
    assert [operator_client.post(address).status_code for address in addresses] == [404, 404]


def test_a_form_that_makes_no_sense_keeps_what_was_typed(operator_client, tenant):
    page = operator_client.post(PAUSE, pause_of(tenant, until="2020-01-01 00:00"))

    assert list(page.context["form"].errors) == ["until"] and HOSTILE in page.context["form"]["reason"].value()
    assert operator_client.post(SET, limit_of(tenant, most="-1")).context["form"].errors


def test_a_limit_on_a_tool_is_set_and_listed_as_such(root_client):
    page = root_client.post(SET, limit_of(queue="", tool="console_refund"), follow=True)

    limit = Limit.objects.get()
    assert (limit.tool, limit.queue, limit.most) == ("console_refund", "", 3)
    assert "Set: 3 at once: tool console_refund." in texts(page)
    assert "tool console_refund" in text_of(root_client, LIMITS)


def test_a_tool_is_paused(operator_client, tenant):
    operator_client.post(PAUSE, pause_of(tenant, queue="", tool="console_refund"))

    paused = Pause.objects.get()
    assert (paused.tool, paused.queue, paused.tenant) == ("console_refund", "", tenant)
    assert "tool console_refund, tenant acme" in text_of(operator_client, PAUSES)


def test_tools_of_the_declared_agents_are_offered_and_no_other_is_taken(root_client):
    for address, typed in ((SET, limit_of(tool="misspelt")), (PAUSE, pause_of(tool="misspelt"))):
        offered = [value for value, _ in root_client.get(address).context["form"].fields["tool"].choices]
        assert offered[0] == "" and "console_refund" in offered
        assert list(root_client.post(address, typed).context["form"].errors) == ["tool"]

    assert not Limit.objects.exists() and not Pause.objects.exists()


def test_a_limit_of_a_tool_shows_how_many_calls_it_counts(root_client, tenant):
    root_client.post(SET, limit_of(queue="", tool="console_refund", kind="rate", most="30"))
    limit = Limit.objects.get()
    for ago_s in (1, 2, 3600):
        RatedCall.objects.create(limit=limit, tenant=tenant, at=clock.now() - timedelta(seconds=ago_s))

    (row,) = root_client.get(LIMITS).context["cl"].result_list

    assert LimitAdmin(Limit, site).holds(row) == "2" and "30 in 60 s" in text_of(root_client, LIMITS)


def test_one_searches_by_tool(root_client):
    Limit.objects.create(most=3, tool="console_refund"), Limit.objects.create(most=4, queue="batch")

    found = root_client.get(LIMITS, {"q": "refund"}).context["cl"].result_list

    assert [limit.most for limit in found] == [3]
