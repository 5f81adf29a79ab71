"""Idempotency keys: the same key and body get the same run, forever."""

from runs.errors import ConflictError
from runs.models import AnsweredKey, Run, Tenant


def run_of_key(tenant: Tenant, key: str, *, body_hash: str) -> Run | None:
    """Find the run that was returned for this key. Raises: ConflictError if the body differs."""
    run = Run.objects.filter(tenant=tenant, idempotency_key=key).first()
    known_hash = run.body_hash if run else None
    if run is None:
        answered = AnsweredKey.objects.filter(tenant=tenant, key=key).select_related("run").first()
        run, known_hash = (answered.run, answered.body_hash) if answered else (None, None)
    if run and known_hash != body_hash:
        raise ConflictError(f"the Idempotency-Key {key!r} was used with another body")
    return run


def let_stand_for(run: Run, *, tenant: Tenant, key: str, body_hash: str) -> None:
    """Attach a key to an existing run. Raises: IntegrityError if the key already has a run."""
    AnsweredKey.objects.create(tenant=tenant, key=key, body_hash=body_hash, run=run)
