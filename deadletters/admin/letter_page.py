"""Prepare the page of a dead letter for its templates."""

import json
from typing import Any

from django.db.models import Q
from django.urls import reverse

from deadletters.admin.formatting import effect, history, indented, run_href, utc
from deadletters.models import DeadLetter
from runs.admin.kit.formatting import badge_html, money, shortened
from runs.conf import conf
from runs.operations.preview_replay import ReplayPreview


def letter_context(letter: DeadLetter) -> dict[str, Any]:
    """Gather the page's values, ready to show."""
    return {
        "letter": letter,
        "is_live": letter.is_live,
        "status": badge_html(word_for(letter)),
        "facts": _facts(letter),
        "arguments": shortened(indented(letter.arguments)),
        "effects": _effects(letter),
        "relatives": _relatives(letter),
        "history": history(letter.events.select_related("user")),
    }


def word_for(letter: DeadLetter) -> str:
    """Name the status; a finished manual task gets its own name."""
    return "done" if letter.done_at else letter.status


def preview_context(preview: ReplayPreview) -> dict[str, Any]:
    """Gather what a replay would do. Shape: facts as label and value, effects as heading, tone and lines."""
    return {
        "refusal": preview.refusal,
        "facts": [
            ("Steps reused", _numbers(preview.reused)),
            ("Steps done again", _numbers(preview.runs_again)),
            ("Estimated cost", money(preview.estimated_cost_usd)),
        ],
        "effects": [
            (heading, tone, [effect(entry) for entry in entries])
            for heading, tone, entries in (
                ("Would happen again", "bad", preview.effects_repeated),
                ("May have happened: find out before you go on", "ask", preview.effects_unknown),
                ("Have happened, and are not repeated", "good", preview.effects_done),
            )
        ],
    }


def _numbers(steps: list[int]) -> str:
    """Shorten runs of numbers: 1 to 4, 6."""
    spans: list[list[int]] = []
    for step in steps:
        if spans and step == spans[-1][1] + 1:
            spans[-1][1] = step
        else:
            spans.append([step, step])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans) or "none"


def _facts(letter: DeadLetter) -> list[tuple[str, str, str]]:
    """Shape: label, value, address or nothing."""
    step = f"{letter.step} {letter.step_name}" if letter.step else ""
    group = reverse("admin:deadletters_lettergroup_change", args=[letter.group_id]) if letter.group_id else ""
    facts = [
        ("Run", f"{letter.job_type} {str(letter.run_id)[:8]}", run_href(letter.run_id)),
        ("Tenant", letter.tenant, ""),
        ("Failed at step", step, ""),
        ("Tries of the step", str(letter.attempt or ""), ""),
        ("Attempts", str(letter.attempts), ""),
        ("Classified as", letter.error_kind, ""),
        ("Version", letter.version, ""),
        ("Cost", money(letter.cost_usd), ""),
        ("Failed", utc(letter.failed_at), ""),
        ("Cause", letter.fingerprint, group),
        ("Replays so far", f"{letter.replays} of {conf().replays_max}", ""),
        ("Replayed", utc(letter.replayed_at), ""),
        ("Goes on as", str(letter.replayed_as or "")[:8], run_href(letter.replayed_as)),
        ("Assignee", str(letter.assignee or ""), ""),
        ("Due", utc(letter.due_at), ""),
        ("Done", utc(letter.done_at), ""),
        ("Dealt with by", str(letter.decided_by or ""), ""),
        ("Note", letter.note, ""),
    ]
    return [fact for fact in facts if fact[1]]


def _relatives(letter: DeadLetter) -> list[tuple[str, str]]:
    """List the dead letters before and after it in its chain of replays. Shape: label, address."""
    chain = Q(replayed_as=letter.run_id) | Q(run_id=letter.run_id)
    if letter.replayed_as:
        chain |= Q(run_id=letter.replayed_as)
    others = DeadLetter.objects.filter(chain, tenant=letter.tenant).exclude(pk=letter.pk).order_by("failed_at")[:20]
    return [
        (
            f"{'Later' if other.failed_at > letter.failed_at else 'Earlier'} letter, {word_for(other)}: "
            f"{utc(other.failed_at)}",
            reverse("admin:deadletters_deadletter_change", args=[other.pk]),
        )
        for other in others
    ]


def _effects(letter: DeadLetter) -> list[tuple[str, list[str]]]:
    """Shape: heading, one line for each effect."""
    effects: dict[str, list[Any]] = json.loads(letter.effects)
    headings = {"done": "Effects that happened", "unknown": "Effects that may have happened"}
    return [(text, [effect(entry) for entry in effects.get(name, [])]) for name, text in headings.items()]
