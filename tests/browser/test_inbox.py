"""Deciding in a real browser: time that runs out, edits, two people, many at once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from runs.models import PendingAction
from tests.browser.inbox import open_preview
from tests.runs.admin.rows import make_waiting

LOOKS = [(1280, "light"), (1280, "dark"), (390, "light")]


def page_of(action):
    return reverse("admin:runs_pendingaction_change", args=[action.pk])


def expire_in(action, seconds):
    PendingAction.objects.filter(pk=action.pk).update(expires_at=timezone.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_each_is_shown_before_many_are_decided(open_page, watch, rows, save, width, theme):
    page = open_page(width=width, theme=theme)
    low = [make_waiting(rows["tenant"], amount=5.0 + place) for place in range(3)]

    open_preview(page, [*low, rows["approval"]])
    save(page, f"bulk-{width}-{theme}")
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.click("button.act--approve")

    page.get_by_text("Approved: 3 of 4.").wait_for()
    save(page, f"bulk-done-{width}-{theme}")
    assert PendingAction.objects.filter(pk__in=[action.pk for action in low], status="approved").count() == 3
    assert watch.faults == []


def test_when_time_is_over_the_buttons_are_disabled_unaided_and_a_forced_post_is_refused(open_page, watch, rows, save):
    page, action = open_page(), rows["approval"]
    expire_in(action, 3)
    page.goto(page_of(action))
    assert page.locator(".decide button:enabled").count() == 2

    page.locator(".countdown--over").wait_for(timeout=8000)

    assert page.locator(".decide button:enabled").count() == 0
    assert "nobody decided" in page.locator(".countdown-said").inner_text()
    save(page, "action-over")
    page.evaluate("document.querySelector('form.choice--approve').submit()")
    page.get_by_text("the action has expired").wait_for()
    assert PendingAction.objects.get(pk=action.pk).status == "open" and watch.faults == []


def test_the_last_minutes_are_announced_once(open_page, rows):
    page = open_page()
    for seconds, words in ((302, "5 minutes left"), (62, "1 minute left")):
        expire_in(rows["approval"], seconds)
        page.goto(page_of(rows["approval"]))
        assert page.locator(".countdown-said").inner_text() == ""
        page.locator(".countdown-said", has_text=words).wait_for(state="attached", timeout=8000)


def test_an_error_in_a_form_for_handing_on_keeps_it_open(open_page, rows):
    page = open_page()
    page.goto(page_of(rows["approval"]))
    page.click("details.hand-on summary")
    page.click("form.choice--ask button")

    assert page.locator("form.choice--ask .errorlist").is_visible()


def test_two_browsers_approve_and_the_second_is_told_who_won(open_page, watch, rows, save):
    one, other = open_page(), open_page()
    for page in (one, other):
        page.goto(page_of(rows["approval"]))

    one.click("button.act--approve")
    one.get_by_text("Approved.").wait_for()
    other.click("button.act--approve")

    other.get_by_text("This was approved by root").wait_for()
    save(other, "action-second")
    assert PendingAction.objects.get(pk=rows["approval"].pk).status == "approved" and watch.faults == []
