"""Idempotency keys: the same key and body are answered with the same run, for ever."""

from runs.errors import ConflictError
from runs.models import AnsweredKey, Run, Tenant


def run_of_key(tenant: Tenant, key: str, *, body_hash: str) -> Run | None:
    """Find what was answered to this key. Raises: ConflictError if the body was another."""
    run = Run.objects.filter(tenant=tenant, idempotency_key=key).first()
    known_hash = run.body_hash if run else None
    if run is None:
        answered = AnsweredKey.objects.filter(tenant=tenant, key=key).select_related("run").first()
        run, known_hash = (answered.run, answered.body_hash) if answered else (None, None)
    if run and known_hash != body_hash:
        raise ConflictError(f"the Idempotency-Key {key!r} was used with another body")
    return run


def let_stand_for(run: Run, *, tenant: Tenant, key: str, body_hash: str) -> None:
    """Let a key stand for a run that existed before. Raises: IntegrityError if the key stands for one already."""
    AnsweredKey.objects.create(tenant=tenant, key=key, body_hash=body_hash, run=run)
