from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import Run, RunEvent
from runs.states import RunStatus
from tests.runs.admin.rows import make_completed, make_failed, make_run, make_step, make_waiting

pytestmark = pytest.mark.django_db

LIST = "/admin/runs/run/"
YES = {"confirmed": "yes"}  # what the page that asks posts besides


def page_of(run):
    return reverse("admin:runs_run_change", args=[run.pk])


def verb_of(run, verb):
    return reverse(f"admin:runs_run_{verb}", args=[run.pk])


def texts(response):
    return " ".join(str(message) for message in response.context["messages"])


@pytest.mark.parametrize("cut", [1, 5, 8, 9, 13, 20, 36])
def test_a_run_is_found_by_the_beginning_of_its_id(operator_client, operator, tenant, cut):
    run, other = make_run(tenant, operator), make_run(tenant, operator)

    found = operator_client.get(LIST, {"q": str(run.pk)[:cut]}).context["cl"].queryset

    assert run in found
    assert cut < 5 or other not in found


@pytest.mark.parametrize("term", ["zzz", "-", "0" * 40, "' or 1=1", "%", "😀", "\x00"])
def test_a_search_for_anything_answers(operator_client, operator, tenant, term):
    make_run(tenant, operator)

    assert operator_client.get(LIST, {"q": term}).status_code == 200


def test_a_run_is_found_by_its_idempotency_key(operator_client, operator, tenant):
    run = make_run(tenant, operator, idempotency_key="order-5098")
    make_run(tenant, operator)

    found = operator_client.get(LIST, {"q": "order-5"}).context["cl"].queryset

    assert list(found) == [run]


def test_the_list_asks_a_fixed_number_of_queries(operator_client, operator, tenant, django_assert_num_queries):
    for _ in range(20):
        make_step(make_run(tenant, operator, RunStatus.RUNNING), status="started")
    operator_client.get(LIST)

    # session, user, permissions (2), count twice, runs, job types, queues, tenants
    with django_assert_num_queries(10):
        operator_client.get(LIST)


@pytest.mark.parametrize(
    "query", ["status__exact=failed", "job_type=console_agent", "queue=agents", "tenant__id__exact=x"]
)
def test_the_filters_answer(operator_client, operator, tenant, query):
    make_run(tenant, operator)

    assert operator_client.get(f"{LIST}?{query}", follow=True).status_code == 200


def test_an_operator_cancels_a_run(operator_client, operator, tenant):
    run = make_run(tenant, operator)

    response = operator_client.post(verb_of(run, "cancel"), YES, follow=True)

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert "cancelled" in texts(response)
    assert RunEvent.objects.get(run=run, kind="run.cancelled").actor == "olga"


def test_a_working_run_is_asked_to_stop(operator_client, operator, tenant):
    run = make_run(tenant, operator, RunStatus.RUNNING)

    response = operator_client.post(verb_of(run, "cancel"), YES, follow=True)

    assert "Asked to stop" in texts(response)
    assert "cancelling" in response.content.decode()


def test_cancelling_asks_first_and_the_button_of_that_page_cancels(operator_client, operator, tenant):
    run = make_run(tenant, operator)

    asked = operator_client.post(verb_of(run, "cancel"))

    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED
    assert asked.status_code == 200 and "ends for good" in asked.content.decode()
    operator_client.post(verb_of(run, "cancel"), dict(asked.context["posted"]))
    assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED


def test_the_bulk_action_asks_first_and_names_what_it_would_cancel(operator_client, operator, tenant):
    runs = [make_run(tenant, operator) for _ in range(22)]
    chosen = {"action": "cancel_selected", "index": "0", "_selected_action": [run.pk for run in runs]}

    asked = operator_client.post(f"{LIST}?queue=agents", chosen)

    assert not Run.objects.filter(status=RunStatus.CANCELLED).exists()
    assert str(runs[-1]) in asked.content.decode() and "and 2 more" in asked.content.decode()
    posted = {}
    for name, value in asked.context["posted"]:
        posted.setdefault(name, []).append(value)
    operator_client.post(f"{LIST}?queue=agents", posted)
    assert Run.objects.filter(status=RunStatus.CANCELLED).count() == 22


def test_a_refusal_is_told(operator_client, operator, tenant):
    run = make_run(tenant, operator, RunStatus.COMPLETED)

    response = operator_client.post(verb_of(run, "cancel"), YES, follow=True)

    assert "already completed" in texts(response)
    assert Run.objects.get(pk=run.pk).status == RunStatus.COMPLETED


def test_an_operator_retries_a_failed_run(operator_client, operator, tenant):
    letter = make_failed(tenant, operator)

    operator_client.post(reverse("admin:runs_run_retry", args=[letter.run_id]))

    letter.refresh_from_db()
    assert Run.objects.get(pk=letter.run_id).status == RunStatus.QUEUED
    assert letter.status == "replayed"


def test_next_retry_visible_with_the_time_left_and_a_button_to_make_it_now(operator_client, operator, tenant):
    run = make_run(tenant, operator, RunStatus.RETRYING)

    page = operator_client.get(page_of(run)).content.decode()
    assert f"{run.next_attempt_at:%Y-%m-%d %H:%M:%S}, in 2 m" in page and ">Retry now</button>" in page
    response = operator_client.post(verb_of(run, "retry"), follow=True)

    run.refresh_from_db()
    assert (run.status, run.next_attempt_at) == (RunStatus.QUEUED, None)
    assert "does not wait any longer" in texts(response)
    assert run.events.last().actor == "olga"


def test_retry_is_not_offered_once_the_letter_is_closed_and_says_by_whom(operator_client, operator, tenant):
    letter = make_failed(tenant, operator)
    closed = {"status": "discarded", "decided_by": operator, "decided_at": letter.failed_at}
    letter.__class__.objects.filter(pk=letter.pk).update(**closed)
    run = Run.objects.get(pk=letter.run_id)

    assert "already discarded by olga" in operator_client.get(page_of(run)).content.decode()
    assert "already discarded by olga" in texts(operator_client.post(verb_of(run, "retry"), follow=True))
    assert Run.objects.get(pk=run.pk).status == RunStatus.FAILED


def test_the_bulk_action_cancels_what_can_be_and_names_the_rest(operator_client, operator, tenant):
    queued, done = make_run(tenant, operator), make_run(tenant, operator, RunStatus.COMPLETED)
    chosen = {"action": "cancel_selected", "_selected_action": [queued.pk, done.pk]}

    response = operator_client.post(LIST, chosen | YES, follow=True)

    assert Run.objects.get(pk=queued.pk).status == RunStatus.CANCELLED
    assert "asked to stop: 1" in texts(response)
    assert "already completed" in texts(response)


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_getting_a_verb_changes_nothing(operator_client, operator, tenant, verb):
    run = make_run(tenant, operator)

    assert operator_client.get(verb_of(run, verb)).status_code == 405
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_a_verb_without_a_csrf_token_is_refused(operator, tenant):
    run, client = make_run(tenant, operator), Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(verb_of(run, "cancel")).status_code == 403
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_a_reader_may_look_but_not_act(reader_client, reader, tenant):
    run = make_run(tenant, reader)

    page = reader_client.get(page_of(run))

    assert page.status_code == 200
    assert "You lack the permission" in page.content.decode()
    assert reader_client.post(verb_of(run, "cancel")).status_code == 403
    assert reader_client.post(page_of(run), {"status": "completed"}).status_code == 403
    assert "cancel_selected" not in reader_client.get(LIST).content.decode()


def test_nobody_adds_edits_or_deletes_a_run(root_client, root, tenant):
    run = make_run(tenant, root)

    assert root_client.get(f"{LIST}add/").status_code == 403
    assert root_client.post(page_of(run), {"status": "completed"}).status_code == 403
    assert root_client.post(f"{page_of(run).removesuffix('change/')}delete/", {"post": "yes"}).status_code == 403


def test_the_runs_of_another_tenant_do_not_exist(operator_client, operator, other_tenant):
    run = make_run(other_tenant, operator)

    assert operator_client.get(page_of(run)).status_code == 404
    assert operator_client.post(verb_of(run, "cancel")).status_code == 404
    assert operator_client.get(f"{page_of(run).removesuffix('change/')}history/").status_code == 404
    assert list(operator_client.get(LIST).context["cl"].queryset) == []
    operator_client.post(LIST, {"action": "cancel_selected", "_selected_action": [run.pk]} | YES)
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_the_tenant_filter_offers_only_own_tenants(operator_client, operator, tenant, other_tenant):
    make_run(tenant, operator)
    make_run(other_tenant, operator)

    assert "globex" not in operator_client.get(LIST).content.decode()


def test_strangers_and_customers_do_not_get_in(client, tenant, operator, django_user_model):
    run = make_run(tenant, operator)
    assert client.get(page_of(run)).status_code == 302

    client.force_login(django_user_model.objects.create_user("carl"))

    assert client.get(page_of(run)).status_code == 302
    assert client.post(verb_of(run, "cancel"), YES).status_code == 302
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_an_unfinished_run_reloads_unless_told_otherwise(operator_client, operator, tenant):
    run = make_run(tenant, operator)
    meta = '<meta http-equiv="refresh" content="5">'

    assert meta in operator_client.get(page_of(run)).content.decode()
    assert meta not in operator_client.get(page_of(run), {"refresh": "off"}).content.decode()
    assert meta not in operator_client.get(page_of(make_completed(tenant, operator))).content.decode()


def test_a_page_with_an_open_decision_does_not_reload_what_is_being_typed_away(operator_client, operator, tenant):
    action = make_waiting(tenant)

    assert "http-equiv" not in operator_client.get(page_of(action.run)).content.decode()


def test_the_trace_lists_the_steps_in_order_with_anchors(operator_client, operator, tenant):
    run = make_completed(tenant, operator)

    text = operator_client.get(page_of(run)).content.decode()

    places = [text.index(f'id="step-{seq}"') for seq in (1, 2, 3, 4)]
    assert places == sorted(places)
    assert "Asks for console_refund" in text
    assert "tool_use" in text


def test_a_long_trace_has_pages(operator_client, operator, tenant):
    run = make_run(tenant, operator, RunStatus.COMPLETED)
    for _ in range(203):
        make_step(run, result={"content": [], "stop_reason": "end_turn"})

    first = operator_client.get(page_of(run)).content.decode()
    second = operator_client.get(page_of(run), {"from": "201"}).content.decode()

    assert 'id="step-200"' in first
    assert 'id="step-201"' not in first
    assert "?from=201" in first
    assert 'id="step-203"' in second
    assert operator_client.get(page_of(run), {"from": "x²"}).status_code == 200


@pytest.mark.parametrize(
    "result", [[], "text", {"content": "no list"}, {"content": [1, None, {}]}, {"text": "[" * 9000}]
)
def test_a_result_of_any_shape_is_shown(operator_client, operator, tenant, result):
    run = make_run(tenant, operator, RunStatus.COMPLETED)
    make_step(run, result=result)
    make_step(run, "tool_call", result=result, error=["odd"])

    assert operator_client.get(page_of(run)).status_code == 200


def test_a_long_value_is_cut_and_says_so(operator_client, operator, tenant):
    run = make_run(tenant, operator, RunStatus.COMPLETED)
    make_step(run, "tool_call", result={"text": "x" * 60_000})

    text = operator_client.get(page_of(run)).content.decode()

    assert "[cut: 60,000 characters in all]" in text
    assert len(text) < 60_000


def test_relatives_are_linked_both_ways(operator_client, operator, tenant):
    former = make_run(tenant, operator, RunStatus.COMPLETED)
    later = make_run(tenant, operator, continues=former)
    fork = make_run(tenant, operator, forked_from=former)

    text = operator_client.get(page_of(former)).content.decode()

    assert page_of(later) in text
    assert page_of(fork) in text
    assert page_of(former) in operator_client.get(page_of(later)).content.decode()


def test_a_cancelled_run_shows_that_it_stopped(operator_client, operator, tenant):
    effect = {"seq": 2, "tool": "console_refund", "effect_key": "key-2", "status": "unknown"}
    run = make_run(tenant, operator, RunStatus.CANCELLED, cost_usd=Decimal("0.25"))
    asked = {"cancel_requested_at": run.created_at, "cancel_requested_by": "olga"}
    Run.objects.filter(pk=run.pk).update(cancellation={"cost_usd": "0.20", "last_effect": effect}, **asked)

    page = operator_client.get(page_of(run)).content.decode()

    for shown in ("by olga", "step 2, console_refund, unknown", "key-2", "$0.0500"):
        assert shown in page


def test_an_ended_run_is_forked_from_a_step(operator_client, operator, tenant):
    run = make_completed(tenant, operator)

    assert f'max="{run.steps.count()}"' in operator_client.get(page_of(run)).content.decode()
    response = operator_client.post(verb_of(run, "fork"), {"from_step": "4"}, follow=True)

    fork = Run.objects.get(forked_from=run)
    assert (fork.origin, fork.steps.count(), fork.definition) == ("admin", 3, run.definition)
    assert "Forked: run" in texts(response) and page_of(fork) in response.content.decode()


@pytest.mark.parametrize("from_step", ["", "x", "0", "99", "-1", "1.5"])
def test_a_fork_from_no_step_is_refused(operator_client, operator, tenant, from_step):
    run = make_completed(tenant, operator)

    response = operator_client.post(verb_of(run, "fork"), {"from_step": from_step}, follow=True)

    assert "Not done: from_step" in texts(response) and not Run.objects.filter(forked_from=run).exists()


def test_a_run_that_works_on_offers_no_fork(operator_client, operator, tenant):
    run = make_run(tenant, operator, RunStatus.RUNNING)

    assert verb_of(run, "fork") not in operator_client.get(page_of(run)).content.decode()


def test_a_replay_names_the_letter_that_it_replays(operator_client, operator, tenant):
    letter = make_failed(tenant, operator)
    fork = make_run(tenant, operator, forked_from_id=letter.run_id)
    letter.__class__.objects.filter(pk=letter.pk).update(status="replayed", replayed_as=fork.pk)

    page = operator_client.get(page_of(fork)).content.decode()

    assert reverse("admin:deadletters_deadletter_change", args=[letter.pk]) in page


def test_a_retry_beyond_the_cap_on_replays_is_refused_and_says_what_to_do(operator_client, operator, tenant, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "replays_max": 0}
    letter = make_failed(tenant, operator)
    run = Run.objects.get(pk=letter.run_id)

    response = operator_client.post(verb_of(run, "retry"), follow=True)

    assert "post the work as a new run" in texts(response)
    assert Run.objects.get(pk=run.pk).status == "failed"
