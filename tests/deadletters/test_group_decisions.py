"""Groups: one for each cause, counted without loss, and what the next letter makes of a decision about it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deadletters.errors import DeadLetterDecidedError, NotAMemberError
from deadletters.group_decisions import assign_group, ignore, reopen, resolve
from deadletters.models import DeadLetter, LetterEvent, LetterGroup
from deadletters.stats import stats_of
from runs.errors import NotPermittedError
from runs.models import Membership, Role
from runs.operations.accounts import make_member, make_tenant
from tests.at_once import at_once
from tests.deadletters.letters import NOON, fail, the_group

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def boss(tenant):
    return make_member(tenant, "boss")


@pytest.mark.django_db
def test_letters_that_differ_in_ids_and_numbers_only_are_one_group():
    first, second = fail("order 5098 is unknown"), fail("order 17 is unknown", after=HOUR)

    group = the_group()
    assert first.group_id == second.group_id == group.pk
    assert (group.count, group.first_seen, group.last_seen) == (2, NOON, NOON + HOUR)
    assert (group.state, group.message, group.error_class) == ("open", "order <n> is unknown", "LookupError")


@pytest.mark.django_db
def test_three_causes_are_three_groups():
    for number in range(30):
        fail(f"order {number} is unknown", job_type=("refund", "mail", "invoice")[number % 3])

    assert sorted(LetterGroup.objects.values_list("count", flat=True)) == [10, 10, 10]


@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_moment_lose_no_count():
    letters = at_once(12, lambda number: fail(f"order {number} is unknown"))

    assert all(isinstance(letter, DeadLetter) for letter in letters), letters
    assert the_group().count == DeadLetter.objects.filter(group=the_group()).count() == 12
    assert DeadLetter.objects.filter(mailed_at__isnull=False).count() == 1


@pytest.mark.django_db
def test_a_resolved_group_that_gets_a_letter_has_regressed(boss):
    fail()
    resolve(the_group(), user=boss, note="fixed in 1.2")
    group = the_group()
    assert (group.state, group.resolved_by, group.note) == ("resolved", boss, "fixed in 1.2")

    fail(after=HOUR)

    assert the_group().state == "regressed"
    assert the_group().resolved_at is not None  # when it was thought to be gone is still of interest
    with pytest.raises(DeadLetterDecidedError, match=r"already regressed$"):
        reopen(the_group(), user=boss)


@pytest.mark.django_db
def test_a_group_is_ignored_until_its_time_has_passed(boss):
    fail()
    ignore(the_group(), user=boss, until=NOON + 2 * HOUR)

    fail(after=HOUR)
    assert (the_group().state, the_group().count) == ("ignored", 2)

    fail(after=2 * HOUR)
    assert the_group().state == "open"


@pytest.mark.django_db
def test_a_group_is_ignored_until_its_rate_is_exceeded(boss):
    fail()
    ignore(the_group(), user=boss, above_per_hour=3)

    for number in range(1, 7):  # one in half an hour: never more than three in an hour
        fail(after=number * 30 * MINUTE)
    assert the_group().state == "ignored"

    for number in range(3):
        fail(after=181 * MINUTE + number * MINUTE)
    assert the_group().state == "open"


@pytest.mark.django_db
def test_what_one_tenant_ignores_is_not_ignored_for_another(boss):
    fail()
    ignore(the_group(), user=boss, until=NOON + 100 * HOUR)

    other = fail(tenant="globex")

    assert the_group().state == "open" and other.mailed_at


@pytest.mark.django_db
def test_a_group_ignored_for_ever_does_not_exist(boss):
    fail()

    with pytest.raises(ValueError, match="a time or a rate"):
        ignore(the_group(), user=boss)
    assert the_group().state == "open"


@pytest.mark.django_db
def test_a_group_is_reopened(boss):
    fail()
    ignore(the_group(), user=boss, above_per_hour=5)

    reopen(the_group(), user=boss)

    group = the_group()
    assert (group.state, group.ignored_above_per_hour) == ("open", None)


@pytest.mark.django_db
def test_a_verb_in_the_wrong_state_is_refused_and_names_who_decided(boss):
    fail()
    with pytest.raises(DeadLetterDecidedError, match="already open"):
        reopen(the_group(), user=boss)
    resolve(the_group(), user=boss)

    for again in (resolve, lambda group, user: ignore(group, user=user, above_per_hour=1)):
        with pytest.raises(DeadLetterDecidedError, match="already resolved by boss at"):
            again(the_group(), user=boss)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_resolve_at_once_one_does(boss):
    fail()

    answers = at_once(6, lambda _: resolve(the_group(), user=boss))

    assert sum(answer is None for answer in answers) == 1, answers
    assert LetterEvent.objects.filter(verb="resolve").count() == 1


@pytest.mark.django_db
def test_every_verb_leaves_one_line_in_the_audit_trail(boss):
    fail()
    resolve(the_group(), user=boss, note="gone")
    reopen(the_group(), user=boss)
    assign_group(the_group(), user=boss, assignee=boss)
    ignore(the_group(), user=boss, above_per_hour=9)

    told = [(event.verb, event.user, event.data) for event in the_group().events.all()]
    assert told == [
        ("resolve", boss, '{"note": "gone"}'),
        ("reopen", boss, "{}"),
        ("assign", boss, '{"assignee": "boss"}'),
        ("ignore", boss, '{"above_per_hour": "9"}'),
    ]


@pytest.mark.django_db
def test_only_an_operator_of_every_tenant_of_a_group_decides_about_it(boss, tenant):
    fail()
    viewer = make_member(tenant, "viewer")
    Membership.objects.filter(user=viewer).update(role=Role.VIEWER)
    with pytest.raises(NotPermittedError):
        resolve(the_group(), user=viewer)

    fail(tenant=make_tenant("globex").slug)
    with pytest.raises(NotPermittedError):
        resolve(the_group(), user=boss)
    assert the_group().state == "open" and not LetterEvent.objects.exists()

    make_member(make_tenant("globex"), "boss")
    resolve(the_group(), user=boss)


@pytest.mark.django_db
def test_a_group_is_assigned_only_to_who_belongs_to_all_its_tenants(boss):
    fail()
    stranger = make_member(make_tenant("globex"), "stranger")

    with pytest.raises(NotAMemberError):
        assign_group(the_group(), user=boss, assignee=stranger)


@pytest.mark.django_db
def test_stats_are_those_of_the_tenants_one_may_see():
    now = timezone.now()
    for number, (name, version) in enumerate([("acme", "a"), ("acme", "b"), ("globex", "a")]):
        fail(tenant=name, version=version, failed_at=now - number * HOUR)
    fail(failed_at=now - 30 * HOUR)
    group = the_group()

    everything = stats_of([group], tenants=None)[group.pk]
    own = stats_of([group], tenants=["globex"])[group.pk]

    assert (everything.count, everything.tenants) == (4, {"acme": 3, "globex": 1})
    assert everything.versions == {"a": 2, "b": 1, "": 1}
    assert (len(everything.trend), everything.trend[-3:], sum(everything.trend)) == (24, [1, 1, 1], 3)
    assert (own.count, own.tenants, own.versions, own.trend[-3:]) == (1, {"globex": 1}, {"a": 1}, [1, 0, 0])
    assert own.first_seen == own.last_seen


@pytest.mark.django_db
def test_stats_of_many_groups_take_two_queries(django_assert_num_queries):
    for number in range(8):
        fail(job_type=f"job-{number}")
    groups = list(LetterGroup.objects.all())

    with django_assert_num_queries(2):
        assert {stats.count for stats in stats_of(groups, tenants=["acme"]).values()} == {1}
