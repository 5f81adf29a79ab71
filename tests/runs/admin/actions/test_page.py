"""The page of one action: what it is about, on which terms, what was said, and why a verb is not possible."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from runs.models import ApprovalPolicy, PendingAction
from runs.models.definition import definition_for
from tests.runs.admin.actions.pages import LIST, page_of, text_of, texts, verb_of
from tests.runs.admin.approval_rows import agree, make_revoked, make_rule
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import HOSTILE, MODEL, make_user, make_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(tenant):
    return make_user("anna", tenant=tenant, role="approver", perms=OPERATOR)


def choices_of(client, action):
    context = client.get(page_of(action)).context
    return {choice.name: choice for choice in [*context["card"].choices, *context["handing_on"]]}


def test_it_says_what_is_done_how_bad_it_may_be_and_what_it_moves(operator_client, tenant):
    action = make_waiting(tenant, amount=1500.0)
    tools = [{"name": "console_refund", "description": "Refund an order.\nMore."}]
    action.run.definition = definition_for(job_type="console_agent", model=MODEL, system="", tools=tools, max_tokens=9)
    action.run.save()

    page = text_of(operator_client, page_of(action))

    for shown in ("Refund an order. Once begun", "high risk", "$1,500.00", "unsafe effect", "untrusted", "acme"):
        assert shown in page
    assert "service@acme" in page and "nobody yet" in page and '"amount_usd": 1500.0' in page


def test_it_says_who_decides_and_what_happens_otherwise(operator_client, tenant):
    page = text_of(operator_client, page_of(make_waiting(tenant)))

    assert "An approver or admin decides; never the person who asked for the run" in page
    assert "The agent learns that nobody decided" in page and "None fits" in page


def test_the_policy_that_holds_is_named_and_linked(operator_client, tenant):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2, role="admin", from_usd=500)

    page = text_of(operator_client, page_of(make_waiting(tenant, on_expiry="escalate")))

    assert "2 different people must agree, each an admin; never the person who asked for the run" in page
    assert "/admin/runs/approvalpolicy/" in page and "console_refund, from 500 USD" in page
    assert "An admin is asked, with as much time again" in page and "Nobody yet." in page


def test_it_counts_down_by_the_servers_clock_and_has_no_inline_script_or_style(operator_client, tenant):
    page = text_of(operator_client, page_of(make_waiting(tenant)))

    assert "6 d 23 h left" in page and 'data-closes="yes"' in page and "runs/countdown.js" in page
    assert "<script>" not in page and "<style" not in page and " style=" not in page and "onclick" not in page


def test_without_an_end_nothing_counts_down(operator_client, tenant):
    page = text_of(operator_client, page_of(make_waiting(tenant, "outcome", expires_at=None)))

    assert "countdown.js" not in page and "never" in page


def test_what_never_expires_says_so_once_and_names_no_consequence(operator_client, tenant):
    page = text_of(operator_client, page_of(make_waiting(tenant, "outcome", expires_at=None)))

    assert "It stays open and never expires" in page
    assert "<dt>Expires</dt>" not in page and "nobody decided" not in page


# Edits, votes, thread


def test_an_edit_is_shown_as_lines_that_went_and_came(operator_client, filled):
    page = operator_client.get(page_of(filled["voted"])).content.decode()

    assert "<del>-   &quot;amount_usd&quot;: 2500.0," in page
    assert "<ins>+   &quot;amount_usd&quot;: 1500.0</ins>" in page
    assert "<span>    &quot;order_id&quot;: &quot;5098&quot;,</span>" in page


def test_votes_and_thread_are_told(operator_client, filled):
    page = text_of(operator_client, page_of(filled["voted"]))

    assert "1 of 2" in page and "void since the arguments were edited" in page and "Seen the invoice." in page
    assert "Which invoice?" in page and "People were reminded" in page and "anna</strong> asked to decide: " in page


def test_a_vote_of_somebody_who_has_lost_the_role_is_void(operator_client, tenant):
    ApprovalPolicy.objects.create(tool="console_refund", approvals=2)
    action = make_waiting(tenant, approvals_needed=2)
    agree(action, make_user("vera", tenant=tenant, role="viewer"))

    page = text_of(operator_client, page_of(action))

    assert "0 of 2" in page and "may not approve it any more" in page


def test_hostile_words_are_shown_as_text(operator_client, filled):
    for name in ("voted", "question", "by_rule"):
        page = operator_client.get(page_of(filled[name])).content.decode()
        assert "&lt;img src=x" in page and "<img src=x" not in page and HOSTILE not in page


# Why not


def test_the_buttons_of_what_has_expired_are_disabled_and_a_forced_post_is_refused(operator_client, tenant):
    action = make_waiting(tenant, expires_at=timezone.now() - timedelta(seconds=1))

    choices = choices_of(operator_client, action)
    answer = operator_client.post(verb_of(action, "approve"), {}, follow=True)

    assert "Its time is over" in choices["approve"].refusal and "Its time is over" in choices["reject"].refusal
    assert "expired" in texts(answer) and "Time is over" in answer.content.decode()
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_what_was_escalated_before_is_closed_when_its_time_is_over_again(operator_client, tenant):
    over = timezone.now() - timedelta(seconds=1)
    action = make_waiting(tenant, expires_at=over, on_expiry="escalate", escalated_at=over - timedelta(hours=1))

    assert "Its time is over" in choices_of(operator_client, action)["reject"].refusal
    assert operator_client.get(page_of(action)).context["countdown"].closes


@pytest.mark.parametrize("on_expiry", ["wait", "escalate"])
def test_what_is_escalated_or_waited_for_after_its_time_may_still_be_decided(operator_client, tenant, on_expiry):
    action = make_waiting(tenant, expires_at=timezone.now() - timedelta(seconds=1), on_expiry=on_expiry)

    assert choices_of(operator_client, action)["approve"].refusal == ""
    operator_client.post(verb_of(action, "approve"), {})
    assert PendingAction.objects.get(pk=action.pk).status == "approved"


def test_ones_own_run_cannot_be_approved_but_rejected(tenant, anna):
    choices = choices_of(signed_in(anna), make_waiting(tenant, requested_by=anna))

    assert "the requester of a run may not approve" in choices["approve"].refusal
    assert choices["reject"].refusal == ""


def test_a_revoked_tool_cannot_be_approved_and_it_says_why(operator_client, tenant, root):
    make_revoked(tenant, root, tool="console_refund", reason="The bank is audited.")

    choices = choices_of(operator_client, make_waiting(tenant))

    assert "The bank is audited." in choices["approve"].refusal and choices["reject"].refusal == ""


def test_what_was_escalated_is_left_to_admins(tenant, anna, operator_client):
    action = make_waiting(tenant, escalated_at=timezone.now())

    assert "needs one of the roles admin" in choices_of(signed_in(anna), action)["approve"].refusal
    choices = choices_of(operator_client, action)
    assert choices["approve"].refusal == "" and "already" in choices["escalate"].refusal


# Decided


def test_a_decided_action_says_who_when_and_in_which_words(operator_client, tenant):
    action = make_waiting(tenant)
    operator_client.post(verb_of(action, "reject"), {"note": "Too much."})

    page = text_of(operator_client, page_of(action))

    assert (
        "This was rejected by olga" in page and "s ago" in page and "Too much." in page and "<form class=" not in page
    )


def test_what_a_rule_has_approved_names_the_rule(operator_client, tenant, root):
    rule = make_rule(tenant, root, reason="Small ones are fine.")
    action = make_waiting(tenant, rule=rule, status="approved", decided_at=timezone.now())

    page = text_of(operator_client, page_of(action))

    assert "approved by a rule" in page and "granted by root" in page and "Small ones are fine." in page


@pytest.mark.parametrize(
    ("on_expiry", "became"), [("reject", "learned that nobody decided"), ("cancel", "the run was cancelled")]
)
def test_an_expired_action_says_what_became_of_it(operator_client, tenant, on_expiry, became):
    action = make_waiting(tenant, on_expiry=on_expiry, status="expired", decided_at=timezone.now())

    assert became in text_of(operator_client, page_of(action))


@pytest.mark.parametrize(
    ("kind", "then"), [("budget", "the run fails"), ("question", "the run is completed"), ("approval", "learns that")]
)
def test_it_says_what_really_happens_when_time_is_over(operator_client, tenant, kind, then):
    assert then in text_of(operator_client, page_of(make_waiting(tenant, kind)))


def test_a_link_in_a_mail_opens_the_sign_in_and_decides_nothing(tenant):
    action = make_waiting(tenant)

    answer = Client().get(page_of(action))

    assert answer.status_code == 302 and answer.url.startswith("/admin/login/")
    assert PendingAction.objects.get(pk=action.pk).status == "open"


def test_the_page_asks_a_bounded_number_of_queries(operator_client, filled, django_assert_max_num_queries):
    operator_client.get(LIST)

    with django_assert_max_num_queries(45):
        operator_client.get(page_of(filled["voted"]))
