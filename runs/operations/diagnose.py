"""The checks of `doctor`: whether everything that runs need is there, and how to fix what is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.checks import WARNING, run_checks
from django.db import DEFAULT_DB_ALIAS, connection
from redis.exceptions import RedisError

from runs import clock
from runs.conf import conf
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.engine.prices import tariff_of
from runs.errors import UnknownPriceError
from runs.models import CircuitBreaker, Mail, Run, Worker
from runs.operations.readiness import database_problem
from runs.queue.doorbell import redis_answers
from runs.states import RunStatus

DATABASE = "database"
TICK = "agentops tick"  # the clock's only schedule
_CLOCK_LATE_S = 180.0  # due every minute; the clock looks every half minute
_DAY_S = 24 * 3600.0
_MAIL_WAITS_S = 600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `remedy` says what to do when it is not well."""

    what: str
    is_well: bool
    said: str
    remedy: str = ""


def diagnose() -> Iterator[Finding]:
    """Run every check; those that need the database only if it answers."""
    yield from _declarations()
    database = _database()
    yield database
    yield _redis()
    if database.is_well:
        for look in (_prices, _workers, _clock, _gates, _mails):
            yield from look()
        if conf().offline_model:
            yield Finding("model", is_well=True, said="the offline model: answers are scripts, no key is used")


def _declarations() -> Iterator[Finding]:
    problems = [message for message in run_checks() if message.level >= WARNING]
    for message in problems:
        yield Finding("declarations", is_well=False, said=str(message.msg), remedy=message.hint or "")
    if not problems:
        names = ", ".join(job_type.name for job_type in job_types()) or "none yet"
        yield Finding("declarations", is_well=True, said=f"job types: {names}")


def _database() -> Finding:
    if problem := database_problem():
        said, _, remedy = problem.rpartition(": ")
        return Finding(DATABASE, is_well=False, said=said, remedy=f"{remedy[0].upper()}{remedy[1:]}.")
    return Finding(DATABASE, is_well=True, said=f"{connection.vendor} ({DEFAULT_DB_ALIAS}), migrated")


def _redis() -> Finding:
    try:
        redis_answers()
    except (RedisError, OSError) as error:
        remedy = "Look at REDIS_URL. Until then workers find work by themselves, every two seconds."
        return Finding("redis", is_well=False, said=f"it does not answer: {error}", remedy=remedy)
    return Finding("redis", is_well=True, said="it answers")


def _prices() -> Iterator[Finding]:
    for model in sorted({job_type.model for job_type in job_types() if isinstance(job_type, Agent)}):
        try:
            tariff = tariff_of(model, at=clock.now())
        except UnknownPriceError as error:
            remedy = "Add a price in the console, or name a model that genai-prices knows, or update that package."
            yield Finding(f"price of {model}", is_well=False, said=str(error), remedy=remedy)
        else:
            yield Finding(f"price of {model}", is_well=True, said=f"known: {tariff.version}")


def _workers() -> Iterator[Finding]:
    served = {queue for worker in Worker.objects.alive() for queue in worker.queues}
    for queue in sorted({job_type.queue for job_type in job_types()}):
        waiting = Run.objects.filter(queue=queue, status=RunStatus.QUEUED).count()
        said = f"{'served' if queue in served else 'no live worker'}, {waiting} runs queued"
        is_well = queue in served or not waiting
        yield Finding(f"queue {queue}", is_well=is_well, said=said, remedy=f"Run `python manage.py rqworker {queue}`.")


def _clock() -> Iterator[Finding]:
    if not apps.is_installed("django_q"):
        return
    schedules: Any = apps.get_model("django_q", "Schedule")._default_manager
    is_well = schedules.filter(name=TICK, next_run__gt=clock.in_seconds(-_CLOCK_LATE_S)).exists()
    said = "it ticks" if is_well else "none runs: only workers wake timers, rescue runs and send mails"
    yield Finding("clock", is_well=is_well, said=said, remedy="Run `python manage.py qcluster`.")


def _gates() -> Iterator[Finding]:
    for breaker in CircuitBreaker.objects.filter(open_until__isnull=False):
        said = f"open until {breaker.open_until:%Y-%m-%d %H:%M:%S} UTC: {breaker.reason}"
        remedy = "It closes by itself when a probe is answered; an operator may close it in the console."
        yield Finding(f"circuit {breaker}", is_well=False, said=said, remedy=remedy)


def _mails() -> Iterator[Finding]:
    day_ago: Any = clock.in_seconds(-_DAY_S)
    if given_up := Mail.objects.given_up().filter(given_up_at__gte=day_ago).count():
        remedy = "Look at their errors in the console under Mails, mend the mail server, and send them again there."
        yield Finding("mails given up", is_well=False, said=f"{given_up} in the last day", remedy=remedy)
    long_ago: Any = clock.in_seconds(-_MAIL_WAITS_S)
    if late := Mail.objects.waiting().filter(created_at__lte=long_ago).count():
        remedy = (
            "Workers send mails, and the clock: start one. If one runs, look at the errors in the console under Mails."
        )
        yield Finding("mails waiting", is_well=False, said=f"{late} for more than 10 minutes", remedy=remedy)
    if not given_up and not late:
        yield Finding("mails", is_well=True, said="none is late, none was given up in the last day")
