"""The context passed to a tool or plain job: the run it works for."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q

from runs.declarations.job_types import Job
from runs.declarations.tools import Tool
from runs.engine.lease import Lease
from runs.errors import SecretNotGrantedError
from runs.models import Run
from runs.secrets import secret
from runs.storable import storable_text
from runs.user_code.event_loop import as_engine
from runs.user_code.left_open import transaction_is_open

log = logging.getLogger(__name__)

_PROGRESS_EVERY_S = 0.5


@dataclass(slots=True)
class ToolContext:
    """The first argument of every tool."""

    run_id: UUID
    effect_key: str | None
    tool_use_id: str
    input: dict[str, Any]
    tenant: str
    user: str
    attempt: int
    lease: Lease = field(repr=False)
    asks: str = ""  # whose declaration says which secrets it may read
    granted: tuple[str, ...] = ()
    _reported_at: float = field(default=0.0, repr=False)

    def progress(self, percent: float, message: str = "") -> None:
        """Report progress, 0 to 100; it never goes back. Written at most twice a second, from any thread.

        Nothing is written while the tool has a transaction open: that would block the run's heartbeat until it ends.
        Raises: when the work must stop: LeaseLostError, CancelRequestedError, ReleaseRequestedError,
        DeadlineError for the run's time, StepTimeoutError for the step's.
        """
        self.lease.check_step()
        now = time.monotonic()
        if percent < 100 and now - self._reported_at < _PROGRESS_EVERY_S:
            return
        percent = min(100.0, max(0.0, float(percent)))
        if not transaction_is_open():
            self._reported_at = now
            as_engine(lambda: self._write_progress(percent, str(message)))

    def _write_progress(self, percent: float, message: str) -> None:
        """Write it, and close the connection if it was opened for this: the tool's threads would not."""
        opened = connection.connection is None
        ours = Run.objects.filter(
            Q(progress_percent__lte=percent), pk=self.run_id, fence=self.lease.fence, status="running"
        )
        try:
            ours.update(progress_percent=percent, progress_message=storable_text(message)[:500])
        except (OperationalError, InterfaceError) as error:  # must not fail the tool, whose effect may be half done
            log.warning("run %s: progress not written (%s)", self.run_id, error)
            opened = True
        finally:
            if opened:
                connection.close()

    def secret(self, name: str) -> str:
        """Return a secret that was granted to this tool or job; its value never reaches a row.

        Raises: SecretNotGrantedError; KeyError if it is not set, naming the variable.
        """
        if name.lower() not in self.granted:
            raise SecretNotGrantedError(
                f"{self.asks or 'this code'} may not read the secret {name!r}: name it in its declaration, "
                f"secrets=({name.lower()!r},)"
            )
        return secret(name)


def context_for(
    run: Run, lease: Lease, declared: Tool | Job, *, tool_use_id: str, effect_key: str | None, attempt: int
) -> ToolContext:
    """Build the context of one call of a declared tool or job."""
    return ToolContext(
        run_id=run.pk,
        effect_key=effect_key,
        tool_use_id=tool_use_id,
        input=run.input,
        tenant=run.tenant.slug,
        user=run.requested_by.get_username(),
        attempt=attempt,
        lease=lease,
        asks=f"{'tool' if isinstance(declared, Tool) else 'job'} {declared.name!r}",
        granted=tuple(name.lower() for name in declared.secrets),
    )
