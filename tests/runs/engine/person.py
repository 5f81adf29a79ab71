"""The person in the state machine: decides what is asked, and remembers what was said."""

from datetime import timedelta

from runs import clock
from runs.errors import InvalidTransitionError
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from tests.runs.engine.witness import Witness


class Person(Witness):
    """Decides pending actions; an expired or too early decision is refused, and rightly so."""

    def decide_on(self, action, verb, *, happened):  # noqa: C901 (a table of kinds and verbs)
        step = (action.run_id, action.step.tool_use_id or action.step.name)
        try:
            match action.kind, verb:
                case "question", _:
                    answer(action, user=self.boss, text="Well.", end=verb == "no" and not action.tool)
                case "approval", "edited" if action.tool == "refund":
                    approve(action, user=self.boss, arguments={"amount": 5})
                case "budget", "edited":
                    approve(action, user=self.boss, arguments={"max_cost_usd": "9"})
                case _, "no":
                    reject(action, user=self.boss, note="no")
                    if action.kind == "outcome":
                        self.said.add(step)
                case "outcome", _ if happened:
                    resolve(action, user=self.boss, outcome="happened", result="seen")
                    self.said.add(step)
                case "outcome", _:
                    if not self.repeat(action):
                        return
                    self.repeats[step] += 1
                case _:
                    approve(action, user=self.boss)
        except InvalidTransitionError as error:
            if "expired" not in str(error) or action.expires_at > clock.now():
                raise
            return
        self.decided[action.pk] = verb

    def repeat(self, action):
        """Let an unsafe call be made again; refused, rightly, while the first may still arrive."""
        try:
            resolve(action, user=self.boss, outcome="did_not_happen")
        except InvalidTransitionError:
            assert clock.now() < action.step.deadline_at + timedelta(seconds=8)
            return False
        return True
