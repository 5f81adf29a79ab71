"""The console in a real browser: wide and narrow, light and dark, with hostile text in every row."""

import pytest
from django.urls import reverse

from runs.models import PendingAction, Run

LOOKS = [(1280, "light"), (390, "dark")]  # the theme changes colours alone, the width the layout: two show all four


def addresses(rows):
    """Every page of the tour, by name."""

    def page_of(name, row):
        return reverse(f"admin:{name}_change", args=[row])

    def list_of(name):
        return reverse(f"admin:{name}_changelist")

    return {
        "index": reverse("admin:index"),
        "runs": list_of("runs_run"),
        "run-completed": page_of("runs_run", rows["completed"].pk),
        "run-waiting": page_of("runs_run", rows["approval"].run_id),
        "run-failed": page_of("runs_run", rows["letter"].run_id),
        "run-running": f"{page_of('runs_run', rows['running'].pk)}?refresh=off",
        "actions": list_of("runs_pendingaction"),
        "action-approval": page_of("runs_pendingaction", rows["approval"].pk),
        "action-question": page_of("runs_pendingaction", rows["question"].pk),
        "action-outcome": page_of("runs_pendingaction", rows["outcome"].pk),
        "action-budget": page_of("runs_pendingaction", rows["budget"].pk),
        "action-voted": page_of("runs_pendingaction", rows["voted"].pk),
        "action-by-rule": page_of("runs_pendingaction", rows["by_rule"].pk),
        "actions-all": f"{list_of('runs_pendingaction')}?inbox=all",
        "policies": list_of("runs_approvalpolicy"),
        "policy": page_of("runs_approvalpolicy", rows["policy"].pk),
        "policy-add": reverse("admin:runs_approvalpolicy_add"),
        "rules": list_of("runs_approvalrule"),
        "rule": page_of("runs_approvalrule", rows["rule"].pk),
        "rule-grant": reverse("admin:runs_approvalrule_grant"),
        "revoked-tools": list_of("runs_revokedtool"),
        "revoked-tool": page_of("runs_revokedtool", rows["revoked"].pk),
        **{f"{name}-list": list_of(row._meta.label_lower.replace(".", "_")) for name, row in rows["limits"].items()},
        **{name: page_of(row._meta.label_lower.replace(".", "_"), row.pk) for name, row in rows["limits"].items()},
        "limit-set": reverse("admin:runs_limit_set"),
        "pause-set": reverse("admin:runs_pause_pause"),
        "mails": list_of("runs_mail"),
        "letters": list_of("deadletters_deadletter"),
        "letter": page_of("deadletters_deadletter", rows["letter"].pk),
        "replay-preview": reverse("admin:deadletters_deadletter_preview", args=[rows["letter"].pk]) + "?from_step=1",
        "groups": list_of("deadletters_lettergroup"),
        "group": page_of("deadletters_lettergroup", rows["group"].pk),
        "tokens": list_of("runs_apitoken"),
        "api-docs": "/api/docs/",
        "workers": list_of("runs_worker"),
        "lines": list_of("runs_queuelane"),
        "tenants": list_of("runs_tenant"),
        "definition": page_of("runs_definition", rows["completed"].definition_id),
        "artifact": page_of("runs_artifact", rows["artifact"].pk),
    }


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_is_clean_at_this_width_and_theme(open_page, watch, rows, save, width, theme):
    page = open_page(width=width, theme=theme)

    too_wide = []
    for name, address in addresses(rows).items():
        page.goto(address)
        save(page, f"{name}-{width}-{theme}")
        assert page.title() != "pwned", name
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            too_wide.append(name)

    assert watch.faults == []
    assert too_wide == []


def test_no_list_is_cut_off_at_1440(open_page, rows):
    page = open_page(width=1440)

    cut = []
    for name, address in addresses(rows).items():
        page.goto(address)
        if page.evaluate(
            "[...document.querySelectorAll('.results')].some(list => list.scrollWidth > list.clientWidth)"
        ):
            cut.append(name)

    assert cut == []


def test_the_documentation_of_the_api_works_under_the_policy(open_page, watch):
    page = open_page()
    page.goto("/api/docs/")

    page.locator(".opblock-summary-control").first.click()
    page.get_by_role("button", name="Try it out").first.wait_for()
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p onclick=1></p><script>1</script>')")

    assert [fault for fault in watch.faults if "onclick" not in fault and "inline event handler" not in fault] == []
    assert watch.faults, "a violation would be noticed"


def test_the_title_of_what_is_chosen_can_be_read(open_page, rows):
    page = open_page()
    page.goto(reverse("admin:auth_user_change", args=[rows["approval"].run.requested_by_id]))

    colours = page.evaluate(
        "[...document.querySelectorAll('.selector-available-title, .selector-chosen-title')]"
        ".map(title => [getComputedStyle(title).backgroundColor, getComputedStyle(title.firstElementChild).color])"
    )

    assert len(colours) == 4 and len(set(map(tuple, colours))) == 1, "as what can be chosen, which is readable"


def test_a_person_cancels_a_run_and_is_asked_first(open_page, watch, rows, save):
    page = open_page()
    page.goto(reverse("admin:runs_run_change", args=[rows["running"].pk]) + "?refresh=off")

    page.get_by_role("button", name="Cancel run").click()
    save(page, "run-cancel-asked")
    assert Run.objects.get(pk=rows["running"].pk).cancel_requested_at is None
    page.get_by_role("button", name="Cancel run").click()

    page.get_by_text("Asked to stop: the worker").wait_for()
    assert Run.objects.get(pk=rows["running"].pk).cancel_requested_at and watch.faults == []


def test_a_person_approves_and_the_run_is_queued(open_page, watch, rows, save):
    page = open_page()
    page.goto(reverse("admin:runs_pendingaction_change", args=[rows["approval"].pk]))

    page.fill("textarea[name=arguments]", "{broken")
    page.click("button.act--approve")
    assert page.input_value("textarea[name=arguments]") == "{broken"
    assert page.get_by_text("This is not JSON").is_visible()
    save(page, "action-wrong-json")

    page.fill("textarea[name=arguments]", '{"order_id": "5098", "amount_usd": 100}')
    page.click("button.act--approve")
    page.get_by_text("Approved.").wait_for()
    save(page, "action-approved")

    assert PendingAction.objects.get(pk=rows["approval"].pk).arguments["amount_usd"] == 100
    assert Run.objects.get(pk=rows["approval"].run_id).status == "queued"
    assert watch.faults == []


def test_a_link_to_a_step_opens_it(open_page, rows):
    page = open_page()

    page.goto(reverse("admin:runs_run_change", args=[rows["completed"].pk]) + "#step-2")

    page.locator("#step-2 pre").first.wait_for(state="visible")


def test_a_working_run_reloads_by_itself(open_page, rows):
    page = open_page()
    page.goto(reverse("admin:runs_run_change", args=[rows["forked"].pk]))
    Run.objects.filter(pk=rows["forked"].pk).update(progress_message="half way there")

    page.get_by_text("half way there").wait_for(timeout=10_000)
