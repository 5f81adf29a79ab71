"""What holds in a project of somebody else; run by `tests/test_foreign_project.py` under that project's settings."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deadletters.models import DeadLetter
from runs.models import SCOPES, Mail, Membership, PendingAction, Role, Run, RunEvent
from runs.models.people import ACTOR_MAX_CHARS
from runs.operations.accounts import make_member, make_token
from runs.operations.actions.approve import approve
from runs.operations.actions.delegate import reassign
from runs.operations.cancel_run import cancel_run

pytestmark = pytest.mark.django_db

REFUND = {"content": [{"type": "tool_use", "name": "refund", "input": {"order_id": "1", "amount_usd": 2.0}}]}
DONE = {"content": [{"type": "text", "text": "Done."}]}
REFUSAL = {"content": [], "stop_reason": "refusal"}
LONG = f"{'a' * 170}@example.com"


@pytest.fixture
def anna(tenant):
    return make_member(tenant, "anna@example.com")


@pytest.fixture
def api(anna):
    text = make_token(tenant_slug="acme", username="anna@example.com", scopes=SCOPES)
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def console(db):
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root@example.com", "secret"))
    return client


@pytest.fixture
def asks(offline, post, work):
    offline({"when": {"first_user_contains": "bad"}, "turns": [REFUSAL]}, {"turns": [REFUND, DONE]})

    def ask(text="hello", **request):
        run = post("clerk", text, **request)
        work()
        return run

    return ask


def test_a_posted_run_is_answered_as_everywhere(api):
    said = api.post("/api/v1/runs/", {"job_type": "clerk", "input": {"text": "hi"}}, content_type="application/json")

    run = said.json()
    assert (said.status_code, said.headers["Content-Type"]) == (202, "application/json")
    assert run["requested_by"] == "anna@example.com"
    assert run["created_at"].endswith("Z") and run["created_at"][10] == "T"
    assert run["links"]["self"] == f"http://testserver/office/api/v1/runs/{run['id']}/" == said.headers["Location"]


def test_pages_filters_and_times_are_ours(api, post):
    for _ in range(4):
        post("clerk")

    page = api.get("/api/v1/runs/?limit=2&job_type=clerk&format=json", headers={"accept": "text/html, */*"}).json()
    bad = api.get("/api/v1/runs/?status=nonsense")

    assert len(page["results"]) == 2 and page["next"].startswith("http://testserver/office/api/v1/runs/?")
    assert (bad.status_code, bad.headers["Content-Type"]) == (422, "application/problem+json")


def test_problems_are_ours_whatever_the_project_calls_them(api):
    problems = [
        Client().get("/api/v1/runs/"),
        api.get("/api/v1/nowhere/"),
        api.post("/api/v1/runs/", "{", content_type="application/json"),
        api.post("/api/v1/runs/", {"job_type": "clerk"}),
        api.delete("/api/v1/runs/"),
    ]

    assert [answer.status_code for answer in problems] == [401, 404, 400, 415, 405]
    assert {answer.headers["Content-Type"] for answer in problems} == {"application/problem+json"}


def test_the_project_s_own_api_is_as_it_was(console, anna):
    anna.set_password("x")
    anna.save()

    stranger = Client().get("/api/own/greeting/")
    root = Client(headers={"authorization": "Basic cm9vdEBleGFtcGxlLmNvbTpzZWNyZXQ="})
    greeted = root.get("/api/own/greeting/", headers={"accept": "text/html; version=9"})

    assert stranger.status_code == 401 and stranger.headers["WWW-Authenticate"].startswith("Basic")
    assert b"root@example.com" in greeted.content and greeted.headers["Content-Type"].startswith("text/html")
    assert reverse("api:greeting") == "/office/api/own/greeting/" if settings.FORCE_SCRIPT_NAME else True


def test_health_needs_no_sign_in(db):
    assert [Client().get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]


def test_people_are_found_by_the_name_they_sign_in_with(api, asks, anna, tenant):
    action = PendingAction.objects.get(run=asks())
    bob = make_member(tenant, "bob@example.com")
    reassign(action, user=anna, to="bob@example.com")

    found = api.get("/api/v1/actions/?assignee=bob@example.com").json()["results"]
    nobody = api.get("/api/v1/actions/?assignee=anna@example.com").json()["results"]
    usage = api.get("/api/v1/usage/?by=user").json()["results"]

    assert [one["assignee"] for one in found] == [bob.email] and nobody == []
    assert [row["user"] for row in usage] == [action.run.requested_by.email]


def test_letters_are_assigned_by_that_name(api, asks, anna):
    asks("bad")
    letter = DeadLetter.objects.get()

    said = api.post(f"/api/v1/dead-letters/{letter.pk}/assign/", {"user": anna.email}, content_type="application/json")

    assert said.json()["assignee"] == anna.email
    assert len(api.get(f"/api/v1/dead-letters/?assignee={anna.email}").json()["results"]) == 1


def test_mails_lead_below_the_prefix_and_none_is_sent_to_a_service_account(asks, anna, tenant):
    make_member(tenant, None)
    asks("bad")
    asks()

    mails = list(Mail.objects.all())
    assert mails and all("anna@example.com" in mail.to and "service@acme" not in mail.to for mail in mails)
    assert all("https://intranet.example.com/office/admin/" in mail.body for mail in mails)


def test_a_run_of_this_project_goes_through_an_approval(asks, anna, work):
    run = asks()

    approve(PendingAction.objects.get(run=run), user=anna)
    work()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", "Done.")


def test_a_name_longer_than_its_column_is_cut(post, tenant):
    run = post("clerk")

    cancel_run(run, user=make_member(tenant, LONG))

    assert RunEvent.objects.filter(run=run, actor=LONG[:ACTOR_MAX_CHARS]).exists()


def test_a_user_model_that_wants_more_than_a_name_is_told_so(tenant, capsys):
    call_command("token", tenant="acme", user="carl@example.com")

    assert get_user_model().objects.get(email="carl@example.com").has_usable_password() is False
    assert capsys.readouterr().out.startswith("agentops_")


def test_every_page_of_ours_opens_on_the_project_s_site(console, asks, tenant, anna):
    asks()
    asks("bad")
    Membership.objects.update(role=Role.ADMIN)
    post_later = timezone.now() + timedelta(days=1)
    asks(scheduled_at=post_later)
    ours = [model for model in admin.site._registry if model._meta.app_label in ("runs", "deadletters")]

    lists = {model._meta.model_name: console.get(reverse_of(model, "changelist")) for model in ours}
    searched = [console.get(reverse_of(model, "changelist"), {"q": "anna"}) for model in ours if searches(model)]
    rows = [row for model in ours for row in model._default_manager.all()[:1]]
    pages = [console.get(reverse_of(type(row), "change", row.pk)) for row in rows]

    assert {page.status_code for page in [*lists.values(), *searched, *pages]} == {200}
    assert all("runs/console.css" in page.content.decode() for page in [*lists.values(), *pages])
    assert all("The office" in page.content.decode() for page in lists.values()), "below the project's own branding"
    assert len(lists) > 20 and len(pages) > 8


def reverse_of(model, name, *args):
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
    return path.removeprefix("/office")


def searches(model):
    return bool(admin.site._registry[model].search_fields)


def test_the_project_s_own_pages_keep_their_look(console):
    pages = [console.get(path) for path in ("/admin/", "/admin/foreign/person/", "/admin/foreign/person/add/")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert not any("console.css" in page.content.decode() for page in pages)
    assert all("The office" in page.content.decode() for page in pages)
    assert 'id="changelist-filter-header"' in pages[1].content.decode(), "Django's own filter"


def test_a_membership_is_made_where_users_cannot_be_searched(console, tenant, anna):
    Membership.objects.all().delete()

    form = console.get("/admin/runs/membership/add/")
    console.post("/admin/runs/membership/add/", {"user": str(anna.pk), "tenant": str(tenant.pk), "role": "viewer"})

    assert "root@example.com" not in form.content.decode().split("<main")[-1], "nobody is listed"
    assert Membership.objects.get().user == anna


def test_runs_are_no_different_in_the_time_zone_of_the_project(post):
    run = post("clerk", scheduled_at=timezone.now() + timedelta(hours=1))

    assert Run.objects.get(pk=run.pk).state == "scheduled"
