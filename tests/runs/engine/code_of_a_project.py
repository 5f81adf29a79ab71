"""Tools and jobs that a test makes up as it goes."""

from runs.declarations import catalog
from runs.declarations.tools import tool
from runs.registry import Agent, Job
from tests.runs.engine.story import say, use


def story_of(post, work, offline, monkeypatch, function, *, effect="unsafe", **options):
    """Let a model call a tool that is this function once; return its run, the step, and what the model was told."""
    made = tool(name="act", description="Act.", function=function, effect=effect, **options)
    agent = type("Made", (Agent,), {"name": "made", "model": "claude-sonnet-5-5", "tools": [made]})
    monkeypatch.setitem(catalog._catalog, "made", agent())
    model = offline({"turns": [use(("act", {})), say("Done.")]})
    run = post("made")
    work()
    run.refresh_from_db()
    told = model.requests[-1]["body"]["messages"][-1]["content"][0] if len(model.requests) > 1 else {}
    return run, run.steps.filter(name="act").first(), told


def job_of(monkeypatch, run_function, **attributes):
    """Register a job whose `run` is this function."""
    made = type("MadeJob", (Job,), {"name": "made_job", "queue": "batch", "run": run_function, **attributes})
    job = made()
    job.check()
    monkeypatch.setitem(catalog._catalog, "made_job", job)
    return job
