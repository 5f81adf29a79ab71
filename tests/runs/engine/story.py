"""Words in which the stories of agents are written: what the model says, what a run recorded."""


def say(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


def use(*calls, **more):
    return {"content": [{"type": "tool_use", "name": n, "input": i} for n, i in calls], **more}


def trace(run):
    return [(s.kind, s.name, s.status) for s in run.steps.order_by("seq")]
