"""What must hold after every rule of the state machine: all invariants, and a plain model of what must be."""

from hypothesis.stateful import RuleBasedStateMachine, invariant

from deadletters.invariants import dead_letters_agree
from runs import clock
from runs.invariants import of_decisions, of_money, of_runs, of_steps
from runs.invariants.every import checks_of
from runs.models import ModelCall, PendingAction, Run, RunEvent, Step
from runs.operations.why import Around, why
from runs.states import ENDED, FINAL, RunStatus, may_move

CHECKS = (
    dead_letters_agree,
    *(one for module in (of_runs, of_steps, of_decisions, of_money) for one in checks_of(module)),
)
PENDING = ("is running, but its lease ended long ago", "was due long ago")  # until somebody sweeps
CODES = frozenset(
    "scheduled backoff slots limit paused no_worker rate circuit quarantine approval question outcome budget "
    "children event batch cancelling".split()
)
LEADS_TO = {"run.claimed": RunStatus.RUNNING}
LEADS_TO |= dict.fromkeys(("run.rescued", "run.released", "run.held_back"), RunStatus.QUEUED)
LEADS_TO |= {f"run.{status}": status for status in RunStatus}
EXPECTED_ERRORS = set(
    "ModelRefusedError ModelStoppedError PermissionDeniedError CrashLoopError DeadlineError StepLimitError "
    "BudgetRefusedError RateLimitError InternalServerError RemoteProtocolError BrokenStreamError "
    "APIStatusError OverloadedError "
    "StepFailedError ConnectionError RateLimitedError ValueError ToolError "
    "CancelledError SystemExit UserCodeError LeftOpenError UnknownOutcomeError".split()
)


class Witness(RuleBasedStateMachine):
    """Sees everything and remembers what it needs: see `Machine.begin` for what that is."""

    # Seeing

    def one_of(self, things, n):
        return things[n % len(things)]

    def look(self):
        self.runs = list(Run.objects.select_related("tenant").order_by("created_at"))
        self.open = self.open_actions()
        self.written = {run.pk: (run.status, run.fence, run.event_seq) for run in self.runs}

    def open_actions(self, **of):
        actions = PendingAction.objects.filter(status="open", **of).select_related("step", "run")
        return list(actions.order_by("run__created_at", "step__seq"))

    def rows(self, run_id):
        """Everything that is written of a run."""
        tables = (Step, RunEvent, PendingAction, ModelCall)
        written = [list(table.objects.filter(run=run_id).order_by("pk").values()) for table in tables]
        return [Run.objects.filter(pk=run_id).values().get(), *written]

    # What must hold

    @invariant()
    def everything_holds(self):
        clock.advance(1)
        before = self.written
        self.look()
        if self.written != before:
            self.no_invariant_is_broken()
            self.every_move_is_legal()
            self.what_has_ended_stays_as_it_is()
            self.effects_happen_once_or_a_person_was_asked()
            self.every_question_to_the_model_is_in_the_ledger()
            self.whatever_waits_says_why()

    def whatever_waits_says_why(self):
        around = Around(self.runs)
        for run in self.runs:
            waits = run.state not in ENDED | {RunStatus.RUNNING}
            reasons = why(run, around)
            assert bool(reasons) or not waits, f"{run} is {run.status} and does not say why"
            assert {reason.code for reason in reasons} <= CODES and all(reason.message for reason in reasons)

    def no_invariant_is_broken(self, pending=PENDING):
        found = [breach for check in CHECKS for breach in check() if breach.message not in pending]
        assert [str(breach) for breach in found] == []
        assert self.world.alarms.heard == []

    def every_move_is_legal(self):
        for run in self.runs:
            seen, status = self.walked[run.pk]
            for seq, kind in run.events.filter(seq__gt=seen).order_by("seq").values_list("seq", "kind"):
                following = LEADS_TO.get(kind, status)
                assert status is None or following == status or may_move(status, following), (status, kind)
                status, seen = following, seq
            assert status == run.status
            self.walked[run.pk] = seen, status
            assert run.fence >= self.fences.get(run.pk, 0)
            self.fences[run.pk] = run.fence

    def what_has_ended_stays_as_it_is(self):
        for run in self.runs:
            if run.state in FINAL:
                assert self.final.setdefault(run.pk, rows := self.rows(run.pk)) == rows
            if run.status == "failed":
                assert run.last_error["type"] in EXPECTED_ERRORS, run.last_error

    def effects_happen_once_or_a_person_was_asked(self):
        for step in Step.objects.exclude(kind__in=["model_call", "wait"]).exclude(name="ask_human"):
            mark = (step.run_id, step.tool_use_id or step.name)
            count = self.world.effects[mark]
            if step.effect in ("unsafe", "verifiable"):
                assert count <= 1 + self.repeats[mark], f"{step.effect} {step} happened {count} times"
            if step.status == "completed" and mark not in self.said:
                assert count, f"{step.effect} {step} is completed and has not happened"
            if count and step.effect == "unsafe" and not (mark in self.said or self.repeats[mark]):
                assert step.status in ("started", "completed", "unknown"), f"{step} has happened and is {step.status}"

    def every_question_to_the_model_is_in_the_ledger(self):
        for run in self.runs:
            if "text" in run.input:
                assert run.model_calls.count() >= self.world.model.asked[run.input["text"]]
