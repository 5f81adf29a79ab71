"""What the page of a run shows of its dead letters."""

from django.urls import reverse

from deadletters.decisions import how_decided
from deadletters.models import DeadLetter
from runs.admin.kit.formatting import moment
from runs.admin.run_page import Addition, Fact
from runs.models import Run


def letters_of(run: Run) -> Addition:
    """Link to the dead letters of a run, newest first, and to those whose replay it is."""
    letters = list(DeadLetter.objects.filter(run_id=run.pk).select_related("decided_by"))
    replayed = DeadLetter.objects.filter(replayed_as=run.pk).exclude(run_id=run.pk)
    is_closed = letters and not letters[0].is_live
    return Addition(
        lineage=[Fact("Replay of", f"dead letter of {moment(letter.failed_at)}", _page(letter)) for letter in replayed],
        failures=[
            Fact("Dead letter", f"Dead letter of {moment(letter.failed_at)}, {letter.status}", _page(letter))
            for letter in letters
        ],
        why_no_retry=f"Its dead letter is already {how_decided(letters[0])}" if is_closed else "",
    )


def _page(letter: DeadLetter) -> str:
    return reverse("admin:deadletters_deadletter_change", args=[letter.pk])
