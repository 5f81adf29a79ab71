"""Pages of the inbox that are reached by a POST, for the tour and for stories."""

from django.urls import reverse


def open_preview(page, actions):
    """Choose actions in the list, and look at what would be decided together."""
    page.goto(reverse("admin:runs_pendingaction_changelist"))
    for action in actions:
        page.check(f"input[name=_selected_action][value='{action.pk}']")
    page.select_option("select[name=action]", "decide_selected")
    page.click("button[name=index]")
    page.locator("ol.items").wait_for()
