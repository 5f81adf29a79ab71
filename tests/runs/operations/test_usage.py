"""Roll-ups of the ledger: by every key, over a period, of one tenant or of all, with what was saved."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runs.errors import InvalidInputError
from runs.models import ModelCall
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.operations.usage import KEYS, moment_in, usage_by
from runs.operations.usage_documents import as_csv, as_document
from tests.runs.ledger import NOON, spend

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def rolled_up(*by, since=NOON - DAY, until=NOON + DAY, **more):
    return usage_by(by, since=since, until=until, **more)


def costs(usage):
    return {row.keys: row.sums.cost_usd for row in usage.rows}


def test_each_key_groups_by_itself_and_all_of_them_together(post, tenant):
    run = post("clerk")
    spend(run)
    spend(run, model="claude-opus-5-5", at=NOON - timedelta(hours=13), status="presumed", cost="0.40")
    ours = run.requested_by.get_username()

    by_each = {key: costs(rolled_up(key)) for key in KEYS}

    assert by_each == {
        "tenant": {("acme",): Decimal("0.5")},
        "user": {(ours,): Decimal("0.5")},
        "job_type": {("clerk",): Decimal("0.5")},
        "origin": {("test",): Decimal("0.5")},
        "model": {("claude-opus-5-5",): Decimal("0.4"), ("claude-sonnet-5-5",): Decimal("0.1")},
        "day": {("2026-02-28",): Decimal("0.4"), ("2026-03-01",): Decimal("0.1")},
        "status": {("presumed",): Decimal("0.4"), ("settled",): Decimal("0.1")},
    }
    assert list(costs(rolled_up(*KEYS))) == [
        ("acme", ours, "clerk", "test", "claude-opus-5-5", "2026-02-28", "presumed"),
        ("acme", ours, "clerk", "test", "claude-sonnet-5-5", "2026-03-01", "settled"),
    ]


def test_agent_is_another_word_for_job_type(post):
    spend(post("clerk"))

    assert costs(rolled_up("agent", "job_type")) == costs(rolled_up("job_type")) == {("clerk",): Decimal("0.1")}


def test_a_period_holds_its_beginning_and_not_its_end(post):
    run = post("clerk")
    for hours in (-1, 0, 23, 24):
        spend(run, at=NOON + timedelta(hours=hours))

    assert rolled_up("model", since=NOON, until=NOON + DAY).total.calls == 2


def test_a_worker_whose_clock_is_hours_off_is_not_overlooked(post):
    call = spend(post("clerk"))
    ModelCall.objects.filter(pk=call.pk).update(started_at=NOON + timedelta(hours=20))

    since = NOON + timedelta(hours=19)
    assert rolled_up("model", since=since, until=since + DAY).total.calls == 1


def test_one_tenant_sees_its_own_calls_only(post, tenant):
    other = make_tenant("globex")
    theirs, _ = post_run(
        RunRequest(job_type="clerk", input={"text": "x"}), tenant=other, user=make_member(other, None), origin="test"
    )
    spend(post("clerk")), spend(theirs)

    assert costs(rolled_up("tenant", tenant=tenant)) == {("acme",): Decimal("0.1")}
    assert len(rolled_up("tenant").rows) == 2


def test_what_is_presumed_is_told_and_what_is_in_flight_is_only_reserved(post):
    run = post("clerk")
    spend(run), spend(run, status="presumed", cost="1"), spend(run, status="started", cost="0")
    spend(run, status="released", cost="0", model="claude-opus-5-5")

    (row,) = rolled_up("model").rows

    assert (row.sums.calls, row.sums.cost_usd) == (3, Decimal("1.1"))
    assert (row.sums.presumed_usd, row.sums.reserved_usd) == (1, 1)


def test_tokens_searches_and_savings_are_summed_and_totalled(post):
    run = post("clerk")
    counts = {"input_tokens": 1, "output_tokens": 2, "cache_read_tokens": 3, "cache_write_tokens": 4, "web_searches": 5}
    saved = {"saved_by_cache_usd": Decimal("-0.00000001"), "saved_by_batch_usd": Decimal("0.3")}
    spend(run, **counts, **saved), spend(run, model="claude-opus-5-5", **counts, **saved)

    total = rolled_up("model").total

    assert {name: getattr(total, name) for name in counts} == {name: 2 * count for name, count in counts.items()}
    assert (total.saved_by_cache_usd, total.saved_by_batch_usd) == (Decimal("-0.00000002"), Decimal("0.6"))


def test_an_empty_period_has_no_rows_and_totals_of_zero():
    usage = rolled_up("day")

    assert (usage.rows, usage.total.calls, usage.total.cost_usd) == ((), 0, 0)


@pytest.mark.parametrize(
    ("by", "more", "field"),
    [
        (["colour"], {}, "by"),
        ([], {}, "by"),
        (["day"], {"since": NOON, "until": NOON}, "since"),
    ],
)
def test_what_does_not_fit_is_named(by, more, field):
    with pytest.raises(InvalidInputError) as refused:
        rolled_up(*by, **more)

    assert list(refused.value.errors) == [field]


def test_too_many_rows_are_refused_and_not_cut(post, monkeypatch):
    monkeypatch.setattr("runs.operations.usage.ROWS_MAX", 1)
    run = post("clerk")
    spend(run), spend(run, model="claude-opus-5-5")

    assert len(rolled_up("tenant").rows) == 1
    with pytest.raises(InvalidInputError, match="more than 1 rows"):
        rolled_up("model")


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_the_ends_of_the_calendar_do_no_harm(year):
    since = datetime(year, 1, 1, tzinfo=UTC)

    assert rolled_up("day", since=since, until=datetime.max.replace(tzinfo=UTC)).rows == ()


def test_json_and_csv_tell_the_same(post):
    spend(post("clerk"), model="=1+1", cost="0.00000001")
    usage = rolled_up("model", "day")

    document, (names, row) = as_document(usage), as_csv(usage).splitlines()

    assert document["results"][0]["cost_usd"] == document["total"]["cost_usd"] == "0.00000001"
    assert dict(zip(names.split(","), row.split(","), strict=True)) == {
        **{name: str(value) for name, value in document["results"][0].items()},
        "model": "'=1+1",  # no formula for a spreadsheet
    }


NOW = datetime(2026, 3, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1w", datetime(2026, 3, 24, 10, tzinfo=UTC)),
        ("12h", datetime(2026, 3, 30, 22, tzinfo=UTC)),
        ("0d", NOW),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T02:00:00+02:00", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T00:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_span_a_day_or_a_moment(text, expected):
    assert moment_in(text, now=NOW) == expected


@pytest.mark.parametrize(
    "text",
    ["", "d", "-1d", "1y", "\u0661d", "999999w", "2026-02-30", "2026-03-01T00:00:00", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_no_time_is_told_what_is(text):
    with pytest.raises(ValueError, match="give a span such as 30d"):
        moment_in(text, now=NOW)
