"""One campaign from beginning to end: start, post, kill, decide, wait, judge."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from agentops.embedded.postgres import EmbeddedPostgres
from agentops.embedded.valkey import socket_path
from agentops.lab.chaos.background_tasks import BackgroundTasks
from agentops.lab.chaos.decisions import Decider
from agentops.lab.chaos.evidence import gather
from agentops.lab.chaos.fault_log import FaultLog
from agentops.lab.chaos.findings import judge
from agentops.lab.chaos.fleet import SLOTS, Fleet
from agentops.lab.chaos.options import CannotRunError, Options
from agentops.lab.chaos.pace import ChaosPace, Stand
from agentops.lab.chaos.plan import ChaosPlan
from agentops.lab.chaos.poster import Poster
from agentops.lab.chaos.postings import BUDGET_USD, TENANTS, THRIFTY, postings
from agentops.lab.chaos.recovery import recoveries_s
from agentops.lab.chaos.report import ChaosReport
from agentops.lab.chaos.scripts import write_scripts
from agentops.lab.chaos.versions import versions
from agentops.lab.workload.client import WorkloadClient
from agentops.lab.workload.conversations import Workload
from agentops.stack import Stack, StackError
from runs.models import Budget, Period, Tenant
from runs.operations.accounts import make_token
from runs.operations.budgets import make_budget
from runs.worker.supervisor import Child

LEDGER_FILE = "ledger.jsonl"
_TICK_S = 0.02
_BATCH_S = 0.3  # how long a message batch takes
_LOOK_EVERY_S = 0.3
_STILL_S = 120.0  # without progress for this long, every open run is lost
_GRACE_S = 8.0
_OPERATOR = "operator"  # a poster does not decide
_DECIDES = ("runs:write", "actions:decide")

Tell = Callable[[int, int, int], None]  # runs ended, kills that count, unknown effects


@dataclass(frozen=True, slots=True)
class ChaosEnvironment:
    """What every part of a campaign needs."""

    folder: Path
    ledger: str  # the ledger's socket
    fault_log: Path
    workload: Workload | None = None
    postgres: EmbeddedPostgres | None = None

    @property
    def redis_url(self) -> str:
        """The address of the embedded Valkey."""
        return f"unix://{socket_path(Path(settings.VAR_DIR))}?db=0"


def run_campaign(
    options: Options, environment: ChaosEnvironment, *, stopping: threading.Event, tell: Tell
) -> ChaosReport:
    """Do everything. Raises: CannotRunError, also when told to stop."""
    begun_at = time.monotonic()
    call_command("migrate", verbosity=0, interactive=False)
    plan = ChaosPlan(options)
    stack = Stack()
    with stack:
        try:
            campaign = _Campaign(options, environment, stack, plan, stopping)
            campaign.play(tell)
        except (StackError, RuntimeError) as error:
            raise CannotRunError(str(error)) from error
        finally:
            stopping.set()
            stack.stop(_GRACE_S)
    evidence = gather(campaign.poster.posted, environment.folder / LEDGER_FILE)
    return ChaosReport(
        options=options,
        evidence=evidence,
        verdict=judge(evidence),
        deaths=campaign.fleet.deaths,
        recoveries_s=recoveries_s(campaign.fleet.deaths, quarantined=False),
        recoveries_quarantined_s=recoveries_s(campaign.fleet.deaths, quarantined=True),
        below=plan.below(),
        unknown=len(campaign.decider.unknown),
        happened=len(campaign.decider.happened),
        stops=campaign.fleet.stops,
        flushes=campaign.background_tasks.flushes.count,
        restarts=campaign.background_tasks.restarts.count,
        terms=campaign.fleet.terms,
        took_s=time.monotonic() - begun_at,
        versions=versions(),
    )


def _clients(
    address: str, stopping: threading.Event, *, user: str | None = None, scopes: Sequence[str] | None = None
) -> dict[str, WorkloadClient]:
    """Make a client for each tenant: of its service account, unless a user is named."""
    tokens = {tenant: make_token(tenant_slug=tenant, username=user, scopes=scopes) for tenant in TENANTS}
    return {tenant: WorkloadClient(address, token, stopping=stopping) for tenant, token in tokens.items()}


class _Campaign:
    """The running parts."""

    def __init__(
        self, options: Options, environment: ChaosEnvironment, stack: Stack, plan: ChaosPlan, stopping: threading.Event
    ) -> None:
        self._options, self._stack, self._stopping = options, stack, stopping
        for tenant in Tenant.objects.filter(slug__in=THRIFTY):
            make_budget(Budget(tenant=tenant, period=Period.TOTAL, limit_usd=BUDGET_USD))
        self._undying = [_start_ledger(stack, environment)]
        if environment.workload:
            stack.offline_model(workload=environment.workload.folder, batch_s=_BATCH_S)
        else:
            stack.offline_model(scripts=[write_scripts(options.seed, environment.folder / "scripts")], batch_s=_BATCH_S)
        self._undying.append(stack.children[-1])
        self.fleet = Fleet(stack, plan, options, log=FaultLog(environment.fault_log), redis_url=environment.redis_url)
        address = stack.web()
        self.fleet.adopt("web", stack.children[-1])
        self.fleet.adopt("clock", stack.clock())
        for number in range(1, options.workers + 1):
            self.fleet.start_worker(number)
        posting, deciding = _clients(address, stopping), _clients(address, stopping, user=_OPERATOR, scopes=_DECIDES)
        self.poster = Poster(postings(options, environment.workload), posting, stopping)
        self.decider = Decider(deciding, environment.ledger, stopping, seed=options.seed, workload=environment.workload)
        self.background_tasks = BackgroundTasks(
            options, redis_url=environment.redis_url, postgres=environment.postgres, term=self.fleet.term_next
        )
        self._pace = ChaosPace(options, slots=options.workers * SLOTS)

    def play(self, tell: Tell) -> None:
        """Go on until every run has ended, time is over, or nothing moves any more."""
        self.poster.start()
        self.decider.start()
        ends_at = time.monotonic() + self._options.ends_in_s
        stand, looked_at, moved_at = Stand(), 0.0, time.monotonic()
        while not (self._is_over(stand) or self._is_hopeless(ends_at, moved_at)):
            self.fleet.tick()
            if len(self.poster.posted) < self._options.runs or not self.fleet.is_calm:
                self.background_tasks.do_what_is_due()
            if time.monotonic() - looked_at > _LOOK_EVERY_S:
                before, stand, looked_at = stand, Stand.now(), time.monotonic()
                if stand.moves != before.moves:
                    moved_at = time.monotonic()
                self._let_in(stand)
                tell(stand.ended, self.fleet.kills, len(self.decider.unknown))
                self._check()
            time.sleep(_TICK_S)  # the harness paces itself: what it waits for are other processes
        self.fleet.let_all_go_on()
        self.background_tasks.restarts.finish()

    def _is_over(self, stand: Stand) -> bool:
        posted = len(self.poster.posted)
        is_posting = self.poster.allowed > posted
        return not is_posting and self._pace.is_over(stand, posted=posted, kills=self.fleet.kills)

    def _let_in(self, stand: Stand) -> None:
        fleet, posted = self.fleet, len(self.poster.posted)
        self.poster.allowed = self._pace.allowed(stand, posted=posted, kills=fleet.kills, hungry=fleet.is_hungry)

    def _is_hopeless(self, ends_at: float, moved_at: float) -> bool:
        return time.monotonic() > min(ends_at, moved_at + _STILL_S)

    def _check(self) -> None:
        """Raise if the campaign itself is broken, or told to stop."""
        if self._stopping.is_set():
            raise CannotRunError("stopped before the end; nothing was judged")
        for child in self._undying:
            if not child.is_alive():
                raise CannotRunError(f"{child.name} has ended; see {child.log_path}")
        problem = self.poster.problem or self.decider.problem
        if problem:
            raise CannotRunError(problem)


def _start_ledger(stack: Stack, environment: ChaosEnvironment) -> Child:
    file = str(environment.folder / LEDGER_FILE)
    child = stack.start("ledger", [sys.executable, "-m", "agentops.lab.chaos.ledger_server", environment.ledger, file])
    ends_at = time.monotonic() + 10
    while not Path(environment.ledger).exists() or not Path(file).exists():
        if time.monotonic() > ends_at or not child.is_alive():
            raise CannotRunError(f"the ledger did not come up; see {child.log_path}")
        time.sleep(0.02)  # the ledger says that it is up by its files alone
    return child
