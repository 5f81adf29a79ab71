"""Buckets kept by the database, a row for each pace, under its lock: slower than Redis, and as exact."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from runs import clock
from runs.engine.pacing import bucket
from runs.engine.pacing.bucket import Bucket
from runs.engine.pacing.keeper import Epoch, Heard, Verdict
from runs.engine.pacing.rows import Terms
from runs.models import Pace, PaceBucket


class InDatabase:
    """Keeps the buckets while Redis is away, or where there is none. As `Keeper`."""

    def take(self, epoch: Epoch, paces: Sequence[Terms], need: Sequence[float], *, patience_s: float) -> Verdict:
        """Take from all buckets if the wait is within the patience, or else from none."""
        with _locked(epoch, paces) as buckets:
            verdict = longest_wait(buckets, paces, need)
            if verdict.wait_s <= patience_s:
                for one in buckets:
                    bucket.take(one, need)
        return verdict

    def settle(
        self, epoch: Epoch, paces: Sequence[Terms], back: Sequence[float], *, heard: Heard, heeds: int | None
    ) -> None:
        """Give back what was not used; the pace at this place heeds the headers."""
        with _locked(epoch, paces) as buckets:
            for place, (one, pace) in enumerate(zip(buckets, paces, strict=True)):
                bucket.settle(one, pace.limits, back)
                if place == heeds:
                    bucket.heed(one, pace.limits, told=heard.told, remaining=heard.remaining, age_s=heard.age_s)

    def peek(self, epoch: Epoch, paces: Sequence[Terms]) -> list[Bucket]:
        """Look at the buckets as they are now."""
        with _locked(epoch, paces) as buckets:
            return buckets

    def ping(self) -> None:
        """Answer: whoever asks has the database already."""


def longest_wait(buckets: Sequence[Bucket], paces: Sequence[Terms], need: Sequence[float]) -> Verdict:
    """Find what a need must wait for longest. The buckets were refilled just now."""
    longest = Verdict(0.0)
    for place, (one, pace) in enumerate(zip(buckets, paces, strict=True)):
        wait_s, dimension = bucket.wait_s(one, pace.limits, need)
        if wait_s > longest.wait_s:
            longest = Verdict(wait_s, place, dimension)
    return longest


@contextmanager
def _locked(epoch: Epoch, paces: Sequence[Terms]) -> Iterator[list[Bucket]]:
    """Lock the rows in the order of the paces, which is the same for all; write them back at the end."""
    missing = Pace.objects.filter(pk__in=[pace.pk for pace in paces], bucket=None)
    if missing.exists():
        PaceBucket.objects.bulk_create([PaceBucket(pace=pace) for pace in missing], ignore_conflicts=True)
    with transaction.atomic():
        locked = PaceBucket.objects.select_for_update().order_by("pace_id").filter(pace__in=[p.pk for p in paces])
        rows = {row.pace_id: row for row in locked}
        now = clock.now().timestamp()
        buckets = [_read(rows.get(pace.pk), pace, epoch, now) for pace in paces]
        for one, pace in zip(buckets, paces, strict=True):
            bucket.refill(one, pace.limits, now)
        yield buckets
        for one, pace in zip(buckets, paces, strict=True):
            PaceBucket.objects.filter(pace=pace.pk).update(epoch=epoch.number, state=one.as_json())


def _read(row: PaceBucket | None, pace: Terms, epoch: Epoch, now: float) -> Bucket:
    """Read a row; one of another epoch, or of a pace that was just deleted, says nothing."""
    if row and row.state and row.epoch == epoch.number:
        return Bucket(**row.state)
    return bucket.taken_over(now, pace.limits) if epoch.takes_over else bucket.empty(now)
