"""The tables of dead letters as first released. Databases from before have them by the migrations that this one replaces."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("deadletters", "0001_initial"),
        ("deadletters", "0002_groups_and_verbs"),
        ("deadletters", "0003_redrive"),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("run_id", models.UUIDField(db_index=True)),
                ("tenant", models.CharField(help_text="Slug of the tenant.", max_length=64)),
                ("job_type", models.CharField(max_length=100)),
                (
                    "version",
                    models.CharField(
                        blank=True, help_text="Of the run's definition; empty for plain jobs.", max_length=12
                    ),
                ),
                ("arguments", models.TextField(help_text="The run's input, as JSON.")),
                ("step", models.PositiveIntegerField(help_text="Number of the step that failed.", null=True)),
                ("step_name", models.CharField(blank=True, max_length=200)),
                (
                    "attempt",
                    models.PositiveIntegerField(
                        default=0, help_text="Tries of the step that failed, since it was planned."
                    ),
                ),
                ("error_class", models.CharField(max_length=200)),
                (
                    "error_kind",
                    models.CharField(blank=True, help_text="What the classifier said, as `permanent`.", max_length=32),
                ),
                ("error_message", models.TextField()),
                ("traceback", models.TextField(blank=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("cost_usd", models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                ("effects", models.TextField(default="{}", help_text='{"done": [...], "unknown": [...]}, as JSON.')),
                (
                    "fingerprint",
                    models.CharField(db_index=True, help_text="Same cause, same fingerprint.", max_length=64),
                ),
                (
                    "replays",
                    models.PositiveIntegerField(
                        default=0, help_text="Replays that led here, of this run or one before it."
                    ),
                ),
                (
                    "mailed_at",
                    models.DateTimeField(help_text="When its failure was mailed; later ones wait a while.", null=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open: nobody has dealt with it"),
                            ("replayed", "replayed"),
                            ("discarded", "discarded"),
                            ("assigned", "assigned to a person"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("failed_at", models.DateTimeField()),
                ("replayed_at", models.DateTimeField(null=True)),
                (
                    "replayed_as",
                    models.UUIDField(
                        db_index=True, help_text="The run that the replay continues or created.", null=True
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="By when the assignee is to be done; makes it a manual task.", null=True
                    ),
                ),
                (
                    "done_at",
                    models.DateTimeField(help_text="When the manual task was done: closes the letter.", null=True),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-failed_at"],
                "permissions": [("replay_deadletter", "Can replay or discard dead letters")],
            },
        ),
        migrations.CreateModel(
            name="LetterGroup",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "fingerprint",
                    models.CharField(help_text="Same cause, same fingerprint.", max_length=64, unique=True),
                ),
                ("job_type", models.CharField(max_length=100)),
                ("step_name", models.CharField(blank=True, max_length=200)),
                ("error_class", models.CharField(max_length=200)),
                ("message", models.TextField(blank=True, help_text="A message without its ids and numbers.")),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0, help_text="Letters of all tenants.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open: nobody has dealt with the cause"),
                            ("resolved", "resolved: the cause is said to be gone"),
                            ("ignored", "ignored, until a date or a rate"),
                            ("regressed", "regressed: it was resolved, and came back"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                (
                    "ignored_until",
                    models.DateTimeField(help_text="The first letter after this opens the group again.", null=True),
                ),
                (
                    "ignored_above_per_hour",
                    models.PositiveIntegerField(
                        help_text="More letters than this within an hour open the group again.", null=True
                    ),
                ),
                ("resolved_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, help_text="What was said last about the cause.")),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "cause",
                "verbose_name_plural": "dead letters by cause",
                "ordering": ["-last_seen"],
            },
        ),
        migrations.CreateModel(
            name="LetterEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verb", models.CharField(max_length=32)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "data",
                    models.TextField(default="{}", help_text="What was said with it: notes, names, dates, as JSON."),
                ),
                (
                    "letter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="deadletters.deadletter",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="deadletters.lettergroup",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="deadletter",
            name="group",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="letters",
                to="deadletters.lettergroup",
            ),
        ),
        migrations.CreateModel(
            name="Redrive",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "tenant",
                    models.CharField(
                        blank=True, help_text="Slug; empty if its letters belong to several.", max_length=64
                    ),
                ),
                ("selection", models.TextField(default="{}", help_text="Which letters were asked for, as JSON.")),
                ("rate_per_s", models.FloatField(default=5, help_text="Letters sent in a second.")),
                (
                    "concurrency",
                    models.PositiveIntegerField(default=20, help_text="Replayed runs that may be under way at once."),
                ),
                ("canary", models.PositiveIntegerField(default=5, help_text="So many are sent first, and awaited.")),
                (
                    "stop_above_percent",
                    models.PositiveSmallIntegerField(
                        default=20, help_text="Stop when a larger share of the ended runs has failed again."
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned: nothing is sent yet"),
                            ("running", "running"),
                            ("paused", "paused by a person"),
                            ("stopped", "stopped by itself: too many failures, or its user may not replay any more"),
                            ("aborted", "aborted by a person"),
                            ("completed", "completed: every letter was dealt with"),
                        ],
                        default="planned",
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField(blank=True, help_text="Why it was paused, stopped or aborted.")),
                ("total", models.PositiveIntegerField(default=0, help_text="Letters in the plan, excluded ones too.")),
                (
                    "left_out",
                    models.PositiveIntegerField(default=0, help_text="Letters that matched beyond the most of a plan."),
                ),
                ("excluded", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                ("sent", models.PositiveIntegerField(default=0, help_text="Sent so far, whatever became of them.")),
                ("completed", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("cancelled", models.PositiveIntegerField(default=0)),
                ("estimated_cost_usd", models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                (
                    "needs_steps",
                    models.BooleanField(default=False, help_text="It runs, or runs that it has sent have not ended."),
                ),
                ("credit", models.FloatField(default=0, help_text="Letters that might be sent at `credit_at`.")),
                (
                    "credit_at",
                    models.DateTimeField(help_text="Empty: the allowance begins with the next step.", null=True),
                ),
                ("planned_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField()),
                (
                    "changed_by",
                    models.ForeignKey(
                        help_text="Empty: it did so itself.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "planned_by",
                    models.ForeignKey(
                        help_text="In whose name letters are replayed.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-planned_at"],
            },
        ),
        migrations.CreateModel(
            name="RedriveEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.CharField(blank=True, help_text="A username; empty: the redrive itself.", max_length=150),
                ),
                ("verb", models.CharField(max_length=16)),
                ("note", models.TextField(blank=True)),
                (
                    "redrive",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="deadletters.redrive"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="RedriveItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.PositiveIntegerField(help_text="Its turn, from 1; the oldest failure is first.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("excluded", "excluded by the plan"),
                            ("pending", "pending: not sent yet"),
                            ("sent", "sent: the run goes on"),
                            ("completed", "its run has completed"),
                            ("failed", "its run has failed again"),
                            ("cancelled", "its run was cancelled, or is gone"),
                            ("skipped", "not sent: it was refused, or the redrive ended before"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="Why it was excluded or skipped.", max_length=300)),
                ("run_id", models.UUIDField(help_text="The run that goes on.", null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "letter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redrive_items",
                        to="deadletters.deadletter",
                    ),
                ),
                (
                    "redrive",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="deadletters.redrive"
                    ),
                ),
            ],
            options={
                "ordering": ["place"],
            },
        ),
        migrations.AddIndex(
            model_name="lettergroup",
            index=models.Index(fields=["-last_seen"], name="group_by_age"),
        ),
        migrations.AddIndex(
            model_name="lettergroup",
            index=models.Index(fields=["state", "-last_seen"], name="group_by_state"),
        ),
        migrations.AddConstraint(
            model_name="lettergroup",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "resolved", "ignored", "regressed"])),
                name="group_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="lettergroup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ignored"), _negated=True),
                    ("ignored_until__isnull", False),
                    ("ignored_above_per_hour__isnull", False),
                    _connector="OR",
                ),
                name="group_ignored_until_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="letterevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("letter__isnull", True), ("group__isnull", True), _connector="XOR"),
                name="letter_event_of_one_thing",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["tenant", "status", "-failed_at"], name="letter_inbox"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["status", "-failed_at"], name="letter_by_status"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["group", "tenant", "failed_at"], name="letter_of_cause"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["group", "failed_at"], name="letter_trend"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("mailed_at__isnull", False)),
                fields=["group", "tenant", "mailed_at"],
                name="letter_mailed",
            ),
        ),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "replayed", "discarded", "assigned"])),
                name="letter_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.CheckConstraint(
                condition=models.Q(("done_at__isnull", True), ("status", "assigned"), _connector="OR"),
                name="letter_done_was_assigned",
            ),
        ),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("done_at__isnull", True), ("status__in", ["open", "assigned"])),
                fields=("run_id",),
                name="one_live_letter_per_run",
            ),
        ),
        migrations.AddIndex(
            model_name="redrive",
            index=models.Index(
                condition=models.Q(("needs_steps", True)), fields=["needs_steps"], name="redrive_needs_steps"
            ),
        ),
        migrations.AddIndex(
            model_name="redrive",
            index=models.Index(fields=["tenant", "-planned_at"], name="redrive_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="redrive",
            index=models.Index(fields=["status", "-planned_at"], name="redrive_by_status"),
        ),
        migrations.AddConstraint(
            model_name="redrive",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["planned", "running", "paused", "stopped", "aborted", "completed"])),
                name="redrive_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="redrive",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("canary__gte", 1), ("concurrency__gte", 1), ("rate_per_s__gt", 0), ("stop_above_percent__lte", 100)
                ),
                name="redrive_terms_possible",
            ),
        ),
        migrations.AddConstraint(
            model_name="redrive",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "total__gte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("excluded"), "+", models.F("skipped")
                            ),
                            "+",
                            models.F("sent"),
                        ),
                    ),
                    (
                        "sent__gte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("completed"), "+", models.F("failed")
                            ),
                            "+",
                            models.F("cancelled"),
                        ),
                    ),
                ),
                name="redrive_counts_fit",
            ),
        ),
        migrations.AddIndex(
            model_name="redriveitem",
            index=models.Index(fields=["redrive", "state", "place"], name="redrive_item_next"),
        ),
        migrations.AddConstraint(
            model_name="redriveitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["excluded", "pending", "sent", "completed", "failed", "cancelled", "skipped"])
                ),
                name="redrive_item_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="redriveitem",
            constraint=models.UniqueConstraint(fields=("redrive", "place"), name="redrive_item_place"),
        ),
        migrations.AddConstraint(
            model_name="redriveitem",
            constraint=models.UniqueConstraint(fields=("redrive", "letter"), name="redrive_item_letter"),
        ),
        migrations.AddConstraint(
            model_name="redriveitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")), fields=("letter",), name="letter_pending_in_one_redrive"
            ),
        ),
    ]
