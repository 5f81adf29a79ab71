"""The report of a campaign: figures, findings, and whether it was clean."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentops.lab.chaos.evidence import Evidence
from agentops.lab.chaos.findings import COUNTED, CampaignFindings
from agentops.lab.chaos.options import RANDOM, Options
from agentops.lab.chaos.process_life import Death
from agentops.lab.chaos.recovery import percentile
from runs.fault_points import POINTS


@dataclass(slots=True)
class ChaosReport:
    """What was done to the product, and what became of the runs."""

    options: Options
    evidence: Evidence
    verdict: CampaignFindings
    deaths: Sequence[Death] = ()
    recoveries_s: Sequence[float] = ()
    recoveries_quarantined_s: Sequence[float] = ()
    below: Sequence[str] = ()
    unknown: int = 0
    happened: int = 0
    stops: Counter[str] = field(default_factory=Counter)
    flushes: int = 0
    restarts: int = 0
    terms: int = 0
    took_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, repeated, missing or broken."""
        return self.verdict.is_clean and not self.evidence.breaches

    @property
    def kills(self) -> list[Death]:
        """The kills that count: of workers that held a lease."""
        return [death for death in self.deaths if death.role == "worker" and death.point and death.held]

    def by_point(self) -> dict[str, int]:
        """Count every kill by where it hit, of whatever process."""
        hits = Counter(death.point for death in self.deaths if death.point)
        return {point: hits[point] for point in (*POINTS, RANDOM)}

    def by_role(self, role: str) -> int:
        """Count the kills of processes that hold no lease."""
        return sum(death.role == role and death.point is not None for death in self.deaths)

    def as_json(self) -> dict[str, Any]:
        """Write it as a JSON value; times in seconds, money as a decimal string."""
        verdict, evidence = self.verdict, self.evidence
        return {
            "ok": self.is_clean,
            "lost": len(verdict.lost),
            "duplicated": verdict.duplicated.total(),
            "duplicated_by_effect": {str(effect): verdict.duplicated[effect] for effect in COUNTED},
            "missing": len(verdict.missing),
            "unrecorded": len(verdict.unrecorded),
            "invariants_broken": len(evidence.breaches),
            "unknown": {"surfaced": self.unknown, "happened": self.happened},
            "model_calls_billed_twice": evidence.billed_twice,
            "model_calls_billed_twice_usd": f"{evidence.billed_twice_usd.normalize():f}",
            "recovery": _percentiles(self.recoveries_s),
            "recovery_quarantined": _percentiles(self.recoveries_quarantined_s),
            "kills": self._kills(),
            "points_below_five": list(self.below),
            "stops": dict(self.stops),
            "redis_flushes": self.flushes,
            "db_restarts": self.restarts,
            "terms": self.terms,
            "effects": len(evidence.effects),
            "reads_repeated": verdict.reads_repeated,
            "findings": self.findings(),
            "runs": len(evidence.runs),
            "seed": self.options.seed,
            "db": self.options.db,
            "workers": self.options.workers,
            "workload": self.options.workload.name if self.options.workload else None,
            "lease_only": self.options.lease_only,
            "without_intents": self.options.without_intents,
            "took_s": round(self.took_s, 1),
            "versions": self.versions,
        }

    def findings(self) -> list[str]:
        """Every finding in words."""
        verdict = self.verdict
        return [*verdict.lost, *verdict.repeats, *verdict.missing, *verdict.unrecorded, *self.evidence.breaches]

    def _kills(self) -> dict[str, Any]:
        workers = [death for death in self.deaths if death.role == "worker"]
        return {
            "counted": len(self.kills),
            "wanted": self.options.kills,
            "leases_held": sum(death.held for death in self.kills),
            "without_lease": sum(bool(death.point) and not death.held for death in workers),
            "web": self.by_role("web"),
            "clock": self.by_role("clock"),
            "by_point": self.by_point(),
        }


def _percentiles(sorted_s: Sequence[float]) -> dict[str, Any]:
    shares = {"p50_s": 0.5, "p99_s": 0.99, "max_s": 1.0}
    values = {name: percentile(sorted_s, share) for name, share in shares.items()}
    rounded = {name: None if value is None else round(value, 2) for name, value in values.items()}
    return {**rounded, "count": len(sorted_s)}
