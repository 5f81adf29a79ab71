"""Letters of before groups were known find theirs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from deadletters.fingerprint import fingerprint
from tests.deadletters.letters import NOON

BEFORE, AFTER = ("deadletters", "0001_initial"), ("deadletters", "0002_groups_and_verbs")


@pytest.fixture
def migrate(transactional_db):
    """Bring the database to a migration; back to the newest in the end."""

    def migrate(*targets):
        executor = MigrationExecutor(connection)
        executor.migrate(list(targets))
        return executor.loader.project_state(list(targets)).apps.get_model

    yield migrate
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("deadletters"))


def test_old_letters_are_counted_in_the_groups_of_their_causes(migrate):
    letters = migrate(BEFORE)("deadletters", "DeadLetter").objects
    for number in range(5):
        job_type, message = ("mail", "refund")[number == 4], f"order {number} is unknown"
        cause = fingerprint(error_class="LookupError", job_type=job_type, step_name="", message=message)
        letters.create(
            run_id=uuid4(), tenant="acme", job_type=job_type, arguments="{}", error_class="LookupError",
            error_message=message, fingerprint=cause, failed_at=NOON + number * timedelta(hours=1), status="discarded",
        )  # fmt: skip

    model = migrate(AFTER)

    groups = {group.job_type: group for group in model("deadletters", "LetterGroup").objects.all()}
    mail = groups["mail"]
    assert (mail.count, mail.first_seen, mail.last_seen) == (4, NOON, NOON + timedelta(hours=3))
    assert (mail.message, mail.state, mail.letters.count()) == ("order <n> is unknown", "open", 4)
    assert groups["refund"].count == 1
    assert not model("deadletters", "DeadLetter").objects.filter(group=None).exists()
    migrate(BEFORE)  # and back: nothing is lost that there was
