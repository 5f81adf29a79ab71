"""What a replay needs around it: a migrated database without other work, tokens, and the running processes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from agentops.examples.workload.declaration import NAME
from agentops.stack import Stack, StackError
from runs.errors import InvalidTransitionError
from runs.models import ApiToken, Run, hash_token
from runs.operations.accounts import make_token
from runs.operations.cancel_run import cancel_run
from runs.states import ENDED, RunStatus
from runs.worker.supervisor import Child

TENANTS = 20
SLOTS = 8
_RESTARTS_MAX = 5  # of one process
_QUEUE = "agents"
_SCOPES = ("runs:read", "runs:write")
_CLAIMABLE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING, RunStatus.SCHEDULED)


class NotReadyError(Exception):
    """A replay cannot begin, or cannot go on; the message says why."""


@dataclass(slots=True)
class WorkloadEnvironment:
    """The running processes of one replay."""

    stack: Stack
    model: Child
    base_url: str
    log: Path
    restarted: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Start again what died.

        Raises: NotReadyError for what dies again and again, and without the offline model: nobody could answer.
        """
        for child in self.stack.check():
            self.restarted.append(child.name)
            if self.restarted.count(child.name) > _RESTARTS_MAX:
                raise NotReadyError(f"{child.name} ends again and again; see {child.log_path}")
        if not self.model.is_alive():
            raise NotReadyError(f"the offline model has ended; see {self.model.log_path}")


@contextmanager
def open_environment(folder: Path, *, label: str, workers: int, batch_s: float) -> Iterator[WorkloadEnvironment]:
    """Start offline model, web and workers, all with `AGENTOPS_WORKLOAD`; stop them in the end.

    Message batches end after `batch_s` seconds, and are gathered and looked at as often.

    Raises: NotReadyError when a part does not come up.
    """
    log = Path(settings.VAR_DIR) / f"{NAME}-{label}.requests.jsonl"
    try:
        stack = Stack({"AGENTOPS_WORKLOAD": str(folder), "AGENTOPS_BATCH_PACE_S": str(batch_s)})
    except RuntimeError as error:
        raise NotReadyError(f"the embedded Valkey: {error}") from error
    with stack:
        try:
            stack.offline_model(workload=folder, log=log, batch_s=batch_s)
            model = stack.children[-1]
            base_url = stack.web()
            for number in range(1, workers + 1):
                stack.worker(f"worker-{number}", [_QUEUE], slots=SLOTS)
        except StackError as error:
            raise NotReadyError(str(error)) from error
        yield WorkloadEnvironment(stack, model, base_url, log)


def prepare_database() -> str | None:
    """Migrate, and clear away the runs of a replay that was broken off; return a warning, if any.

    Other work on the queue would be claimed by our workers, which know neither its job types nor its model:
    a nuisance on one's own machine, and not to be risked where a database was named.
    Raises: NotReadyError.
    """
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        raise NotReadyError(f"the database: {error}") from error
    unfinished = Run.objects.exclude(status__in=ENDED)
    for run in unfinished.filter(job_type=NAME):
        try:
            cancel_run(run, user=run.requested_by)
        except InvalidTransitionError:
            continue  # it has ended meanwhile
    others = unfinished.filter(queue=_QUEUE, status__in=_CLAIMABLE).exclude(job_type=NAME).count()
    if not others:
        return None
    problem = f"the queue {_QUEUE!r} holds {others} other runs, which cannot be worked on here"
    if connection.vendor != "sqlite":
        raise NotReadyError(f"{problem}; use a database of its own")
    return f"{problem} and will fail; AGENTOPS_VAR names another place"


@contextmanager
def tenants_with_tokens() -> Iterator[dict[str, str]]:
    """Make the tenants and a token each; the tokens are revoked in the end."""
    tokens = {
        slug: make_token(tenant_slug=slug, scopes=_SCOPES)
        for slug in (f"{NAME}-{number:02}" for number in range(1, TENANTS + 1))
    }
    try:
        yield tokens
    finally:
        mine = ApiToken.objects.filter(hash__in=[hash_token(token) for token in tokens.values()])
        mine.update(revoked_at=Now())


def new_label() -> str:
    """Make a name for one replay, by which its runs are told from those of others."""
    return secrets.token_hex(6)
