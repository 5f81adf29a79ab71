"""What the tests of rate limits share: a model, its scripts, and what is left of a limit."""

from runs.engine.rate_limits.active import limits_for
from runs.engine.rate_limits.permits import look
from runs.models import Run
from runs.operations.why import why

MODEL = "claude-sonnet-5-5"
TEXT = {"content": [{"type": "text", "text": "Done."}]}
LOOK = {"content": [{"type": "tool_use", "name": "look_up", "input": {"key": "a"}}]}
SCRIPT = {"turns": [TEXT]}


def left():
    """What the first limit has left of requests, input and output tokens."""
    return look(limits_for(MODEL))[0][1].left


def reason(run):
    return [one for one in why(Run.objects.get(pk=run.pk)) if one.code != "no_worker"]
