"""Each kind of finding is found, and nothing where all is well."""

from dataclasses import replace
from uuid import UUID

import pytest

from agentops.lab.chaos.evidence import Evidence, RunSeen, StepSeen
from agentops.lab.chaos.findings import judge
from agentops.lab.chaos.ledger import LedgerEffect

GOOD, BAD = UUID(int=1), UUID(int=2)
RUN = str(GOOD)


def effect(op, kind="unsafe"):
    return LedgerEffect(RUN, op, kind)


@pytest.fixture
def clean():
    """A run that completed and one that was meant to fail, every effect made once and recorded."""
    return Evidence(
        posted=[GOOD, BAD],
        runs=[RunSeen(GOOD, "completed", "completed"), RunSeen(BAD, "failed", "failed", "ModelRefusedError")],
        steps=[
            StepSeen(RUN, "1", "unsafe", "completed"),
            StepSeen(RUN, "2", "idempotent", "completed"),
            StepSeen(RUN, "3", "read", "completed"),
            StepSeen(RUN, "4", "unsafe", "skipped"),
        ],
        effects=[effect("1"), effect("2", "idempotent"), effect("3", "read")],
    )


def test_a_clean_campaign_has_no_findings(clean):
    assert judge(clean).is_clean


@pytest.mark.parametrize("kind", ["unsafe", "idempotent", "verifiable"])
def test_an_effect_that_happened_twice_is_a_duplicate_of_its_class(clean, kind):
    steps = [*clean.steps, StepSeen(RUN, "9", kind, "completed")]
    verdict = judge(replace(clean, steps=steps, effects=[*clean.effects, effect("9", kind), effect("9", kind)]))

    assert not verdict.is_clean
    assert verdict.duplicated == {kind: 1}
    assert verdict.repeats == [f"run {RUN}: {kind} 9 happened 2 times"]


def test_a_repeated_read_is_counted_apart_and_no_breach(clean):
    verdict = judge(replace(clean, effects=[*clean.effects, effect("3", "read")]))

    assert verdict.is_clean and verdict.reads_repeated == 1


def test_the_same_operation_of_another_run_is_no_duplicate(clean):
    steps = [*clean.steps, StepSeen(str(BAD), "1", "unsafe", "completed")]
    assert judge(replace(clean, steps=steps, effects=[*clean.effects, LedgerEffect(str(BAD), "1", "unsafe")])).is_clean


def test_a_completed_step_without_its_effect_is_missing(clean):
    verdict = judge(replace(clean, effects=clean.effects[1:]))

    assert not verdict.is_clean and verdict.missing == [f"run {RUN}: unsafe 1 is completed, but has not happened"]


@pytest.mark.parametrize("steps", [[], [StepSeen(RUN, "7", "unsafe", "skipped")]])
def test_an_effect_that_no_step_tells_of_is_unrecorded(clean, steps):
    verdict = judge(replace(clean, steps=[*clean.steps, *steps], effects=[*clean.effects, effect("7")]))

    assert not verdict.is_clean and verdict.unrecorded == [f"run {RUN}: unsafe 7 has happened, but no step says so"]


@pytest.mark.parametrize("status", ["queued", "running", "waiting_for_confirmation", "retrying", "cancelled", "failed"])
def test_a_run_that_did_not_end_as_its_script_wants_is_lost(clean, status):
    verdict = judge(replace(clean, runs=[replace(clean.runs[0], status=status), clean.runs[1]]))

    assert not verdict.is_clean and len(verdict.lost) == 1


def test_a_run_that_should_have_failed_and_completed_is_a_finding(clean):
    verdict = judge(replace(clean, runs=[clean.runs[0], replace(clean.runs[1], status="completed")]))

    assert len(verdict.lost) == 1


def test_an_accepted_run_that_is_gone_is_lost(clean):
    assert judge(replace(clean, runs=clean.runs[:1])).lost == [f"run {BAD} was accepted and is gone"]
