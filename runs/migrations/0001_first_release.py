"""The tables of runs as first released. Databases from before have them by the migrations that this one replaces."""

import uuid
from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import runs.clock
import runs.models.fields
import runs.states


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("runs", "0001_initial"),
        ("runs", "0002_run_tried_alone"),
        ("runs", "0003_pendingaction_evidence"),
        ("runs", "0004_run_cancellation"),
        ("runs", "0005_steady_tables"),
        ("runs", "0006_leases_by_worker"),
        ("runs", "0007_fewer_pages_a_step"),
        ("runs", "0008_effect_keys_only"),
        ("runs", "0009_gates"),
        ("runs", "0010_mail"),
        ("runs", "0011_approvals"),
        ("runs", "0012_price"),
        ("runs", "0013_cache_ttl"),
        ("runs", "0014_actions_by_tenant"),
        ("runs", "0015_limits_and_pauses"),
        ("runs", "0016_intake"),
        ("runs", "0017_budgets"),
        ("runs", "0018_paces"),
        ("runs", "0019_batch"),
        ("runs", "0020_line_last_served"),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelCall",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.fields.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("attempt", models.PositiveIntegerField()),
                ("fence", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("started", "started"),
                            ("settled", "settled: the usage is the provider's"),
                            ("presumed", "presumed: it broke off, the reserve counts as spent"),
                            ("released", "released: it failed without spending"),
                        ],
                        default="started",
                        max_length=16,
                    ),
                ),
                ("model", models.CharField(max_length=100)),
                ("body_hash", models.CharField(help_text="SHA-256 of the request.", max_length=64)),
                ("max_tokens", models.PositiveIntegerField()),
                ("message_id", models.CharField(blank=True, max_length=100)),
                ("request_id", models.CharField(blank=True, max_length=100)),
                ("stop_reason", models.CharField(blank=True, max_length=64)),
                ("input_tokens", models.PositiveIntegerField(default=0)),
                ("output_tokens", models.PositiveIntegerField(default=0)),
                ("cache_read_tokens", models.PositiveIntegerField(default=0)),
                ("cache_write_tokens", models.PositiveIntegerField(default=0)),
                (
                    "web_searches",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="Made by the provider's server tool."
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[("standard", "standard"), ("batch", "batch: later, and at half the price")],
                        db_default="standard",
                        default="standard",
                        max_length=16,
                    ),
                ),
                (
                    "reserved_usd",
                    models.DecimalField(
                        decimal_places=8, help_text="The most it could cost, before it was sent.", max_digits=14
                    ),
                ),
                ("cost_usd", models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                (
                    "saved_by_cache_usd",
                    models.DecimalField(
                        db_default=0,
                        decimal_places=8,
                        default=0,
                        help_text="Against plain input; below 0: it cost more.",
                        max_digits=14,
                    ),
                ),
                (
                    "saved_by_batch_usd",
                    models.DecimalField(
                        db_default=0, decimal_places=8, default=0, help_text="Against the standard tier.", max_digits=14
                    ),
                ),
                (
                    "price_version",
                    models.CharField(help_text="Which prices: of genai-prices, or a row of ours.", max_length=64),
                ),
                ("error_type", models.CharField(blank=True, max_length=100)),
                (
                    "trouble",
                    models.CharField(
                        blank=True, help_text="As what a failed try counts: see `Trouble`.", max_length=16
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["started_at"],
            },
        ),
        migrations.CreateModel(
            name="Definition",
            fields=[
                (
                    "hash",
                    models.CharField(
                        help_text="SHA-256 over all below.", max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("job_type", models.CharField(db_index=True, max_length=100)),
                ("model", models.CharField(max_length=100)),
                ("system", models.TextField(blank=True)),
                (
                    "tools",
                    runs.models.fields.JSONText(
                        help_text="The tool schemas as the model receives them, in their order."
                    ),
                ),
                ("max_tokens", models.PositiveIntegerField(help_text="Ceiling of one answer.")),
                (
                    "cache_ttl",
                    models.CharField(
                        db_default="5m", default="5m", help_text="How long the provider keeps the prompt.", max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["job_type", "-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.CharField(max_length=64)),
                ("job_type", models.CharField(max_length=100)),
                ("cap", models.PositiveIntegerField(blank=True, help_text="Runs at once; empty: no cap.", null=True)),
                (
                    "queued",
                    models.IntegerField(
                        default=0, help_text="Those that any slot may take: not one to be tried alone, or held back."
                    ),
                ),
                ("running", models.IntegerField(default=0)),
                (
                    "served_at",
                    models.FloatField(default=0.0, help_text="When a run of it was last claimed, Unix time."),
                ),
                (
                    "key",
                    models.FloatField(default=0.0, help_text="Turn: the head's age and priority, or the last service."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PaceKeeper",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("epoch", models.PositiveIntegerField(default=0)),
                (
                    "database_until",
                    models.DateTimeField(help_text="Then somebody looks whether Redis is back.", null=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("slug", models.SlugField(help_text="Shown in the API as `tenant`.", max_length=64, unique=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="A suspended tenant's runs fail with permission_denied when next claimed.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("host", models.CharField(max_length=200)),
                ("pid", models.PositiveIntegerField()),
                (
                    "queues",
                    runs.models.fields.JSONText(help_text="Queue names, in the order in which they are served."),
                ),
                ("slots", models.PositiveIntegerField()),
                ("held", models.PositiveIntegerField(default=0, help_text="Runs that it holds now.")),
                ("draining", models.BooleanField(default=False)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField(db_index=True)),
                ("stopped_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-heartbeat_at"],
            },
        ),
        migrations.CreateModel(
            name="ApprovalRule",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tool", models.CharField(max_length=200)),
                ("job_type", models.CharField(blank=True, help_text="Empty: of every job type.", max_length=100)),
                (
                    "arguments",
                    runs.models.fields.JSONText(
                        default=dict, help_text="Arguments that must be exactly so; others may be anything."
                    ),
                ),
                (
                    "max_usd",
                    models.DecimalField(
                        decimal_places=8, help_text="The most that one call may move.", max_digits=14, null=True
                    ),
                ),
                (
                    "max_total_usd",
                    models.DecimalField(
                        decimal_places=8, help_text="The most that all its calls may move.", max_digits=14, null=True
                    ),
                ),
                ("max_uses", models.PositiveIntegerField(help_text="Calls that it approves.")),
                ("expires_at", models.DateTimeField()),
                ("reason", models.TextField(help_text="Why nobody needs to look.")),
                ("granted_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("uses", models.PositiveIntegerField(default=0)),
                ("used_usd", models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                (
                    "granted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="approval_rules", to="runs.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ["-granted_at"],
            },
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("job_type", models.CharField(blank=True, help_text="Empty: every job type.", max_length=100)),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "day"), ("month", "month"), ("total", "total: from its making on")],
                        max_length=8,
                    ),
                ),
                (
                    "limit_usd",
                    models.DecimalField(
                        decimal_places=8,
                        help_text="USD. What does not fit waits for a person.",
                        max_digits=14,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.01"))],
                    ),
                ),
                (
                    "soft_percent",
                    models.PositiveSmallIntegerField(
                        default=80,
                        help_text="When so much of it is spent, its admins are told, once a period.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(default=True, help_text="Off: nothing is reserved of it or counted by it."),
                ),
                ("note", models.CharField(blank=True, help_text="What it is for.", max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all tenants together.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="budgets",
                        to="runs.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="BudgetPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_on", models.DateField(help_text="Its first day, in UTC.")),
                (
                    "before_usd",
                    models.DecimalField(
                        decimal_places=8,
                        default=Decimal("0"),
                        help_text="Of it, spent or in flight before the budget was made.",
                        max_digits=18,
                    ),
                ),
                ("spent_usd", models.DecimalField(decimal_places=8, default=Decimal("0"), max_digits=18)),
                (
                    "reserved_usd",
                    models.DecimalField(
                        decimal_places=8, default=Decimal("0"), help_text="Held by calls in flight.", max_digits=18
                    ),
                ),
                (
                    "raised_usd",
                    models.DecimalField(
                        decimal_places=8,
                        default=Decimal("0"),
                        help_text="What people have added to the limit, for this period only.",
                        max_digits=18,
                    ),
                ),
                ("soft_reached_at", models.DateTimeField(null=True)),
                ("soft_told_at", models.DateTimeField(null=True)),
                (
                    "budget",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="periods",
                        to="runs.budget",
                    ),
                ),
            ],
            options={
                "ordering": ["budget", "-starts_on"],
            },
        ),
        migrations.CreateModel(
            name="BudgetHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "usd",
                    models.DecimalField(
                        decimal_places=8, help_text="The reserve while it is open, then the cost.", max_digits=14
                    ),
                ),
                ("is_open", models.BooleanField(default=True)),
                (
                    "call",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="holds",
                        to="runs.modelcall",
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="holds", to="runs.budgetperiod"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Gate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=32)),
                ("model", models.CharField(max_length=100)),
                (
                    "shut_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("rate", "rate: the provider asked for a pause"),
                            ("circuit", "circuit: the provider fails"),
                        ],
                        max_length=16,
                    ),
                ),
                ("shut_at", models.DateTimeField(null=True)),
                (
                    "shut_until",
                    models.DateTimeField(help_text="From then on one run may probe; empty: open.", null=True),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "times_shut",
                    models.PositiveIntegerField(default=0, help_text="In a row, without an answer in between."),
                ),
                ("probe", models.UUIDField(help_text="The run that probes.", null=True)),
                ("probe_fence", models.PositiveIntegerField(default=0, help_text="Its claim.")),
            ],
            options={
                "ordering": ["provider", "model"],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "model"), name="one_gate_each"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("shut_by", ""), ("shut_until__isnull", True)),
                            models.Q(("shut_until__isnull", False), models.Q(("shut_by", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="gate_shut_by_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageBatch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.fields.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "provider_id",
                    models.CharField(help_text="The provider's name for it.", max_length=100, null=True, unique=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("formed", "formed: its calls are chosen, nothing is sent"),
                            ("sending", "sending: it may exist at the provider"),
                            ("in_progress", "in progress: the provider has it"),
                            ("ended", "ended: its results are being taken in"),
                            ("collected", "collected: every call has its result"),
                            ("not_made", "not made: its calls were given back"),
                        ],
                        default="formed",
                        max_length=16,
                    ),
                ),
                ("requests", models.PositiveIntegerField(help_text="Calls that were put into it.")),
                ("succeeded", models.PositiveIntegerField(default=0)),
                ("errored", models.PositiveIntegerField(default=0)),
                ("canceled", models.PositiveIntegerField(default=0)),
                ("expired", models.PositiveIntegerField(default=0)),
                ("lost", models.PositiveIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0, help_text="Times that it was sent.")),
                ("next_look_at", models.DateTimeField(help_text="From then on anyone may see to it.", null=True)),
                (
                    "not_ours",
                    runs.models.fields.JSONText(
                        default=list, help_text="Ids of the provider's batches that proved not to be this one."
                    ),
                ),
                ("error", models.CharField(blank=True, help_text="What the last try ended with.", max_length=500)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(help_text="When it was last about to be sent.", null=True)),
                ("ended_at", models.DateTimeField(help_text="When the provider was seen to have ended it.", null=True)),
                ("collected_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "message batches",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_look_at__isnull", False)),
                        fields=["next_look_at"],
                        name="message_batch_due",
                    ),
                    models.Index(fields=["-created_at"], name="message_batch_by_age"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("next_look_at__isnull", False),
                                ("status__in", ("formed", "sending", "in_progress", "ended")),
                            ),
                            models.Q(
                                models.Q(("status__in", ("formed", "sending", "in_progress", "ended")), _negated=True),
                                ("next_look_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="message_batch_is_looked_at_while_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Pace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(default="anthropic", max_length=32)),
                (
                    "workspace",
                    models.CharField(
                        blank=True,
                        help_text="Only for calls of this workspace (`provider_workspace`); empty: of all.",
                        max_length=100,
                    ),
                ),
                (
                    "model_class",
                    models.CharField(
                        default="*",
                        help_text="The beginning of the models' names, as claude-sonnet-5; * for all.",
                        max_length=100,
                    ),
                ),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: not limited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "input_tokens_per_minute",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Without what is read from the cache. Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "output_tokens_per_minute",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="As really answered. Empty: not limited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "ramp_s",
                    models.FloatField(
                        default=30.0,
                        help_text="After a minute without calls the rate grows from a tenth to the whole over so many seconds.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("note", models.CharField(blank=True, help_text="Where the figures come from.", max_length=300)),
            ],
            options={
                "ordering": ["provider", "workspace", "model_class"],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "workspace", "model_class"), name="one_pace_each"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requests_per_minute__isnull", True), ("requests_per_minute__gt", 0), _connector="OR"
                        ),
                        name="pace_asks_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("input_tokens_per_minute__isnull", True),
                                ("input_tokens_per_minute__gt", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("output_tokens_per_minute__isnull", True),
                                ("output_tokens_per_minute__gt", 0),
                                _connector="OR",
                            ),
                        ),
                        name="pace_lets_tokens_pass",
                    ),
                    models.CheckConstraint(condition=models.Q(("ramp_s__gte", 0)), name="pace_ramp_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaceBucket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("epoch", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    runs.models.fields.JSONText(
                        help_text="As `runs.engine.pacing.bucket.Bucket`; null: nothing is known.", null=True
                    ),
                ),
                (
                    "pace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bucket", to="runs.pace"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PendingAction",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("approval", "approval"),
                            ("question", "question"),
                            ("outcome", "outcome"),
                            ("budget", "budget"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("answered", "answered"),
                            ("resolved", "resolved"),
                            ("expired", "expired"),
                            ("cancelled", "cancelled"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("tool", models.CharField(blank=True, max_length=200)),
                ("arguments", runs.models.fields.JSONText(help_text="What will be done, as decided.", null=True)),
                (
                    "proposed",
                    runs.models.fields.JSONText(help_text="What was proposed, when the decider edited it.", null=True),
                ),
                ("arguments_hash", models.CharField(blank=True, max_length=64)),
                (
                    "bound_hash",
                    models.CharField(
                        blank=True,
                        help_text="Of tool, arguments and declaration: what an approval is bound to.",
                        max_length=64,
                    ),
                ),
                (
                    "risk",
                    models.CharField(
                        blank=True, choices=[("low", "low"), ("medium", "medium"), ("high", "high")], max_length=8
                    ),
                ),
                (
                    "amount_usd",
                    models.DecimalField(
                        decimal_places=8,
                        help_text="What the call moves, where its tool says so.",
                        max_digits=14,
                        null=True,
                    ),
                ),
                ("approvals_needed", models.PositiveSmallIntegerField(default=1, help_text="People who must agree.")),
                ("effect", models.CharField(blank=True, max_length=16)),
                ("effect_key", models.CharField(blank=True, max_length=64)),
                ("reason", models.TextField(help_text="Why a person is asked.")),
                (
                    "evidence",
                    runs.models.fields.JSONText(
                        help_text="Of an outcome: {begun_at, last_heartbeat_at, worker, may_arrive_until}.", null=True
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "on_expiry",
                    models.CharField(
                        choices=[
                            ("reject", "reject"),
                            ("escalate", "escalate"),
                            ("cancel", "cancel"),
                            ("wait", "wait"),
                        ],
                        default=runs.states.OnExpiry["REJECT"],
                        max_length=8,
                    ),
                ),
                ("tell_at", models.DateTimeField(help_text="When people are told, or reminded, next.", null=True)),
                ("remind_every_s", models.FloatField(null=True)),
                ("reminders", models.PositiveIntegerField(default=0)),
                ("escalated_at", models.DateTimeField(help_text="From then on an admin decides.", null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "decision",
                    runs.models.fields.JSONText(
                        help_text="The verb and what came with it, to recognise a repetition.", null=True
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        help_text="Who is asked to look.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "budget_period",
                    models.ForeignKey(
                        db_index=False,
                        help_text="What has no room.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="runs.budgetperiod",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        help_text="The rule that approved it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="runs.approvalrule",
                    ),
                ),
            ],
            options={
                "ordering": ["requested_at"],
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "bound_hash",
                    models.CharField(help_text="Of tool, arguments and declaration, as agreed to.", max_length=64),
                ),
                ("note", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "action",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="approvals", to="runs.pendingaction"
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(default="anthropic", max_length=32)),
                (
                    "model",
                    models.CharField(
                        help_text="The exact name, or its beginning and `*`; exact outranks `*`.", max_length=100
                    ),
                ),
                (
                    "input_usd",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="USD for a million input tokens.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "output_usd",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="USD for a million output tokens.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cache_read_usd",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="USD for a million tokens read from the cache.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cache_write_usd",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="USD for a million tokens cached for 5 minutes.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cache_write_1h_usd",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="USD for a million tokens cached for an hour.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "web_searches_usd",
                    models.DecimalField(
                        decimal_places=6,
                        default=10,
                        help_text="USD for a thousand web searches.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "batch_factor",
                    models.DecimalField(
                        decimal_places=4,
                        default=Decimal("0.5"),
                        help_text="What a token costs in a batch, as part of the price.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0.0001")),
                            django.core.validators.MaxValueValidator(1),
                        ],
                    ),
                ),
                (
                    "valid_from",
                    models.DateTimeField(
                        default=runs.clock.now, help_text="In force from then on, until a newer row is."
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="Why, and where the figures come from.", max_length=300),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["provider", "model", "-valid_from"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("job_type", models.CharField(max_length=100)),
                ("queue", models.CharField(max_length=64)),
                (
                    "lane",
                    models.CharField(
                        default="standard", help_text="`standard`, or `batch` at half price.", max_length=16
                    ),
                ),
                ("priority", models.PositiveSmallIntegerField(default=5, help_text="0 to 9, higher first.")),
                ("rank", models.FloatField(help_text="Place within its line; smaller first.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "scheduled"),
                            ("queued", "queued"),
                            ("running", "running"),
                            ("retrying", "retrying"),
                            ("waiting_for_confirmation", "waiting_for_confirmation"),
                            ("waiting_for_children", "waiting_for_children"),
                            ("waiting_for_batch", "waiting_for_batch"),
                            ("completed", "completed"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=32,
                    ),
                ),
                ("input", runs.models.fields.JSONText(help_text="What was posted, validated.")),
                ("output", runs.models.fields.JSONText(null=True)),
                (
                    "metadata",
                    runs.models.fields.JSONText(
                        default=dict, help_text="The client's own labels; never shown to the model."
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        default="api", help_text="Where from: api, admin, command, schedule.", max_length=32
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=255, null=True)),
                ("body_hash", models.CharField(blank=True, help_text="SHA-256 of the posted body.", max_length=64)),
                (
                    "on_conflict",
                    models.CharField(
                        default=runs.states.OnConflict["QUEUE"],
                        help_text="The policy it was posted with.",
                        max_length=16,
                    ),
                ),
                (
                    "unique_key",
                    models.CharField(
                        help_text="Runs of a tenant and job type with the same key count as the same.",
                        max_length=64,
                        null=True,
                    ),
                ),
                ("fence", models.PositiveIntegerField(default=0, help_text="Count of claims; the newest may write.")),
                ("worker", models.UUIDField(help_text="The worker that holds the lease.", null=True)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                ("cancel_requested_by", models.CharField(blank=True, max_length=150)),
                (
                    "cancel_gently",
                    models.BooleanField(default=False, help_text="The call in flight is let finish first."),
                ),
                (
                    "cancellation",
                    runs.models.fields.JSONText(
                        help_text="{cost_usd when it was asked, last_effect {seq, tool, effect_key, status}}", null=True
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0, help_text="Failed tries of the current step.")),
                (
                    "failed_tries",
                    runs.models.fields.JSONText(
                        default=dict, help_text="The same, by kind of trouble: timeout, rate_limit, service."
                    ),
                ),
                ("crashes", models.PositiveIntegerField(default=0, help_text="Workers lost at the current step.")),
                (
                    "alone",
                    models.BooleanField(
                        default=False,
                        help_text="It took workers down at this step: tried by one that holds nothing else.",
                    ),
                ),
                (
                    "pace_need",
                    runs.models.fields.JSONText(
                        help_text="It waits, or has waited, for its pace: {model, pace, input_tokens, output_tokens}.",
                        null=True,
                    ),
                ),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("last_error", runs.models.fields.JSONText(help_text="{type, message, at}", null=True)),
                ("progress_percent", models.FloatField(default=0)),
                ("progress_message", models.CharField(blank=True, max_length=500)),
                ("timeout_s", models.FloatField(help_text="Time under a lease, waits not counted.")),
                ("running_s", models.FloatField(default=0, help_text="Time spent under a lease so far.")),
                ("max_cost_usd", models.DecimalField(decimal_places=8, max_digits=14, null=True)),
                ("cost_usd", models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                ("cache_read_tokens", models.PositiveBigIntegerField(default=0)),
                ("cache_write_tokens", models.PositiveBigIntegerField(default=0)),
                ("event_seq", models.PositiveIntegerField(default=0, help_text="Number of the newest event.")),
                ("created_at", models.DateTimeField()),
                ("queued_at", models.DateTimeField(help_text="When it last became ready.", null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "continues",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="continuations",
                        to="runs.run",
                    ),
                ),
                (
                    "definition",
                    models.ForeignKey(
                        help_text="Set when first claimed.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="runs.definition",
                    ),
                ),
                (
                    "forked_from",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="forks", to="runs.run"
                    ),
                ),
                (
                    "held_by",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Queued, but its model is shut.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="held",
                        to="runs.gate",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="runs.line"),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="children", to="runs.run"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="runs.tenant"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddField(
            model_name="pendingaction",
            name="run",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="actions", to="runs.run"),
        ),
        migrations.AddField(
            model_name="modelcall",
            name="run",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="model_calls", to="runs.run"
            ),
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("to", runs.models.fields.JSONText(help_text="The addresses.")),
                ("subject", models.CharField(max_length=200)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField(help_text="From then on anyone may send it.", null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0, help_text="Begun, whatever came of them.")),
                ("sent_at", models.DateTimeField(help_text="When a mail server took it.", null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                (
                    "error",
                    models.CharField(blank=True, help_text="What the last try that failed ended with.", max_length=500),
                ),
                (
                    "run",
                    models.ForeignKey(
                        help_text="What it tells of.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Artifact",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("content_type", models.CharField(default="text/plain; charset=utf-8", max_length=100)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("body", models.BinaryField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="artifacts", to="runs.run"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
            },
        ),
        migrations.CreateModel(
            name="RunEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(help_text="`run.queued`, `step.completed`, `action.approved` …", max_length=64),
                ),
                ("actor", models.CharField(blank=True, help_text="A user, or a worker.", max_length=150)),
                ("data", runs.models.fields.JSONText(default=dict)),
                ("at", models.DateTimeField()),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "ordering": ["run", "seq"],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.fields.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seq", models.PositiveIntegerField(help_text="Place in the run, from 1, without gaps.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("model_call", "model_call"),
                            ("tool_call", "tool_call"),
                            ("function", "function"),
                            ("wait", "wait"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="The model, the tool, or the name of a function step.", max_length=200),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("started", "started"),
                            ("completed", "completed"),
                            ("failed", "failed"),
                            ("unknown", "unknown"),
                            ("skipped", "skipped"),
                        ],
                        max_length=16,
                    ),
                ),
                ("attempt", models.PositiveIntegerField(default=0, help_text="Tries of this step.")),
                ("fence", models.PositiveIntegerField(default=0, help_text="The claim that last started it.")),
                ("tool_use_id", models.CharField(blank=True, max_length=100)),
                (
                    "effect",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("read", "read"),
                            ("idempotent", "idempotent"),
                            ("verifiable", "verifiable"),
                            ("unsafe", "unsafe"),
                        ],
                        max_length=16,
                    ),
                ),
                ("effect_key", models.CharField(max_length=64, null=True)),
                ("arguments", runs.models.fields.JSONText(null=True)),
                ("arguments_hash", models.CharField(blank=True, max_length=64)),
                (
                    "result",
                    runs.models.fields.JSONText(
                        help_text="A model's answer, a tool's result, a person's words.", null=True
                    ),
                ),
                ("result_hash", models.CharField(blank=True, max_length=64)),
                ("error", runs.models.fields.JSONText(help_text="{type, message}", null=True)),
                (
                    "deadline_at",
                    models.DateTimeField(help_text="After this the call in flight cannot arrive.", null=True),
                ),
                ("reused_from", models.UUIDField(help_text="The step of another run whose result this is.", null=True)),
                ("input_tokens", models.PositiveIntegerField(default=0)),
                ("output_tokens", models.PositiveIntegerField(default=0)),
                ("cache_read_tokens", models.PositiveIntegerField(default=0)),
                ("cache_write_tokens", models.PositiveIntegerField(default=0)),
                ("cost_usd", models.DecimalField(decimal_places=8, default=0, max_digits=14)),
                ("planned_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="runs.run"
                    ),
                ),
            ],
            options={
                "ordering": ["run", "seq"],
            },
        ),
        migrations.AddField(
            model_name="pendingaction",
            name="step",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="actions", to="runs.step"
            ),
        ),
        migrations.AddField(
            model_name="modelcall",
            name="step",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="model_calls", to="runs.step"
            ),
        ),
        migrations.CreateModel(
            name="RunLock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("job_type", models.CharField(max_length=100)),
                ("key", models.CharField(help_text="SHA-256 of what makes two runs the same.", max_length=64)),
                ("holder", models.UUIDField(help_text="The active run of this key; empty: free.", null=True)),
                ("successor", models.UUIDField(help_text="The run that takes its place when it has ended.", null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="locks", to="runs.tenant"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RevokedTool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tool", models.CharField(max_length=200)),
                ("reason", models.TextField(help_text="Why; the agent is told.")),
                ("revoked_at", models.DateTimeField()),
                ("restored_at", models.DateTimeField(null=True)),
                (
                    "restored_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revoked_tools",
                        to="runs.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["-revoked_at"],
            },
        ),
        migrations.AddField(
            model_name="pendingaction",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="actions", to="runs.tenant"
            ),
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("queue", models.CharField(blank=True, max_length=64)),
                ("job_type", models.CharField(blank=True, max_length=100)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("tool", models.CharField(blank=True, max_length=200)),
                ("reason", models.TextField(help_text="Why; runs say it while they wait.")),
                ("paused_at", models.DateTimeField()),
                ("until", models.DateTimeField(blank=True, help_text="Empty: until somebody ends it.", null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "paused_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="runs.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["-paused_at"],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer: reads"),
                            ("operator", "Operator: stops, retries, replays"),
                            ("approver", "Approver: decides pending actions"),
                            ("admin", "Admin: everything"),
                        ],
                        default="viewer",
                        max_length=16,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="runs.tenant"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="line",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="runs.tenant"
            ),
        ),
        migrations.CreateModel(
            name="Limit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("concurrency", "concurrency"), ("rate", "rate")],
                        default=runs.states.LimitKind["CONCURRENCY"],
                        max_length=16,
                    ),
                ),
                (
                    "most",
                    models.PositiveIntegerField(
                        help_text="Runs at once, or starts within `per_s`. 0 lets nothing start."
                    ),
                ),
                ("per_s", models.FloatField(default=60.0, help_text="Of a rate: the window, in seconds.")),
                ("queue", models.CharField(blank=True, help_text="Empty: every queue.", max_length=64)),
                ("job_type", models.CharField(blank=True, help_text="Empty: every job type.", max_length=100)),
                (
                    "model",
                    models.CharField(blank=True, help_text="Of the agents' declarations. Empty: any.", max_length=100),
                ),
                (
                    "tool",
                    models.CharField(blank=True, help_text="Calls of this tool, whoever makes them.", max_length=200),
                ),
                (
                    "each_tenant",
                    models.BooleanField(
                        default=False, help_text="So many for each tenant, instead of for all together."
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("note", models.TextField(blank=True, help_text="Why it is so.")),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all tenants together.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limits",
                        to="runs.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["queue", "job_type", "model", "tool", "kind"],
            },
        ),
        migrations.CreateModel(
            name="Ceiling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.CharField(max_length=64)),
                (
                    "each_tenant",
                    models.BooleanField(
                        default=False,
                        help_text="So many for each tenant that has no ceiling of its own, instead of for all together.",
                    ),
                ),
                ("most", models.PositiveIntegerField(help_text="Runs that may wait. 0 refuses every new one.")),
                ("is_active", models.BooleanField(default=True)),
                ("note", models.TextField(blank=True, help_text="Why it is so.")),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: see the next field.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ceilings",
                        to="runs.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["queue", "tenant", "each_tenant"],
            },
        ),
        migrations.CreateModel(
            name="ApprovalPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tool", models.CharField(blank=True, help_text="Empty: every tool.", max_length=200)),
                (
                    "risk",
                    models.CharField(
                        blank=True,
                        choices=[("low", "low"), ("medium", "medium"), ("high", "high")],
                        help_text="Of the call. Empty: any.",
                        max_length=8,
                    ),
                ),
                (
                    "from_usd",
                    models.DecimalField(
                        decimal_places=8, default=0, help_text="For calls that move so much or more.", max_digits=14
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("approver", "Approver: decides pending actions"), ("admin", "Admin: everything")],
                        default="approver",
                        help_text="The least role that decides.",
                        max_length=16,
                    ),
                ),
                (
                    "approvals",
                    models.PositiveSmallIntegerField(default=1, help_text="People who must agree; 2 is four eyes."),
                ),
                (
                    "self_approval",
                    models.CharField(
                        choices=[("never", "never"), ("service", "service"), ("always", "always")],
                        default=runs.states.SelfApproval["SERVICE"],
                        help_text="Who may approve runs of their own.",
                        max_length=8,
                    ),
                ),
                (
                    "expires_s",
                    models.FloatField(blank=True, help_text="Time to decide. Empty: the setting's.", null=True),
                ),
                (
                    "on_expiry",
                    models.CharField(
                        choices=[
                            ("reject", "reject"),
                            ("escalate", "escalate"),
                            ("cancel", "cancel"),
                            ("wait", "wait"),
                        ],
                        default=runs.states.OnExpiry["REJECT"],
                        help_text="What happens when nobody has decided.",
                        max_length=8,
                    ),
                ),
                (
                    "remind_every_s",
                    models.FloatField(blank=True, help_text="Between two reminders. Empty: the setting's.", null=True),
                ),
                ("note", models.TextField(blank=True, help_text="Why it is so.")),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approval_policies",
                        to="runs.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "approval policies",
                "ordering": [models.OrderBy(models.F("tenant"), nulls_first=True), "tool", "risk", "from_usd"],
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("prefix", models.CharField(help_text="To recognise it by; not secret.", max_length=8)),
                ("hash", models.CharField(help_text="SHA-256 of the token.", max_length=64, unique=True)),
                ("scopes", runs.models.fields.JSONText()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="runs.tenant"
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="AnsweredKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("body_hash", models.CharField(help_text="SHA-256 of the posted body.", max_length=64)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answered_keys", to="runs.run"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answered_keys", to="runs.tenant"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BatchedCall",
            fields=[
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="batched",
                        serialize=False,
                        to="runs.modelcall",
                    ),
                ),
                (
                    "body",
                    models.TextField(
                        blank=True, help_text="The request as it is sent; emptied when its result is here."
                    ),
                ),
                ("size", models.PositiveIntegerField(help_text="Of the request, in bytes.")),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("succeeded", "succeeded"),
                            ("errored", "errored: it was refused, which costs nothing"),
                            ("canceled", "canceled: somebody cancelled the batch"),
                            ("expired", "expired: the provider did not get to it in 24 hours"),
                            ("lost", "lost: nobody knows what became of it, so it counts as spent"),
                        ],
                        help_text="Empty: no result yet.",
                        max_length=16,
                    ),
                ),
                (
                    "result",
                    runs.models.fields.JSONText(
                        help_text="The provider's result; emptied when the run has taken it.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        help_text="Empty: not in a batch yet.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="runs.messagebatch",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
            },
        ),
        migrations.AddIndex(
            model_name="budgetperiod",
            index=models.Index(
                condition=models.Q(("soft_reached_at__isnull", False), ("soft_told_at__isnull", True)),
                fields=["soft_reached_at"],
                name="budget_soft_untold",
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetperiod",
            constraint=models.UniqueConstraint(fields=("budget", "starts_on"), name="budget_period_once"),
        ),
        migrations.AddConstraint(
            model_name="budgetperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("before_usd__gte", 0), ("raised_usd__gte", 0), ("reserved_usd__gte", 0), ("spent_usd__gte", 0)
                ),
                name="budget_period_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="budgethold",
            constraint=models.UniqueConstraint(fields=("call", "period"), name="budget_hold_once"),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(fields=("action", "user"), name="one_approval_a_person"),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cache_read_usd__gte", 0),
                    ("input_usd__gte", 0),
                    ("output_usd__gte", 0),
                    ("cache_write_1h_usd__gte", 0),
                    ("cache_write_usd__gte", 0),
                    ("web_searches_usd__gte", 0),
                ),
                name="price_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("batch_factor__gt", 0), ("batch_factor__lte", 1)), name="price_batch_factor_0_to_1"
            ),
        ),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", False)), fields=["next_try_at"], name="mail_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="mail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("next_try_at__isnull", False),
                        models.Q(("sent_at__isnull", False), _negated=True),
                        models.Q(("given_up_at__isnull", False), _negated=True),
                    ),
                    models.Q(
                        models.Q(("next_try_at__isnull", False), _negated=True),
                        ("sent_at__isnull", False),
                        models.Q(("given_up_at__isnull", False), _negated=True),
                    ),
                    models.Q(
                        models.Q(("next_try_at__isnull", False), _negated=True),
                        models.Q(("sent_at__isnull", False), _negated=True),
                        ("given_up_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="mail_waits_or_has_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="runevent",
            constraint=models.UniqueConstraint(fields=("run", "seq"), name="event_seq"),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(fields=("run", "seq"), name="step_seq"),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(
                condition=models.Q(("effect_key__isnull", False)),
                fields=("effect_key",),
                name="step_effect_key_used_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["model_call", "tool_call", "function", "wait"])),
                name="step_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["planned", "started", "completed", "failed", "unknown", "skipped"])),
                name="step_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "completed"), _negated=True), ("result__isnull", False), _connector="OR"
                ),
                name="step_completed_has_result",
            ),
        ),
        migrations.AddIndex(
            model_name="modelcall",
            index=models.Index(fields=["run", "started_at"], name="model_call_of_run"),
        ),
        migrations.AddConstraint(
            model_name="modelcall",
            constraint=models.UniqueConstraint(fields=("step", "attempt"), name="model_call_attempt"),
        ),
        migrations.AddIndex(
            model_name="runlock",
            index=models.Index(condition=models.Q(("holder__isnull", False)), fields=["holder"], name="lock_held"),
        ),
        migrations.AddIndex(
            model_name="runlock",
            index=models.Index(
                condition=models.Q(("successor__isnull", False)), fields=["successor"], name="lock_awaited"
            ),
        ),
        migrations.AddConstraint(
            model_name="runlock",
            constraint=models.UniqueConstraint(fields=("tenant", "job_type", "key"), name="one_lock_each"),
        ),
        migrations.AddConstraint(
            model_name="runlock",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("successor__isnull", True),
                    models.Q(("holder__isnull", False), models.Q(("successor", models.F("holder")), _negated=True)),
                    _connector="OR",
                ),
                name="successor_of_a_holder",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("alone", False), ("held_by__isnull", True), ("status", "queued")),
                fields=["line", "rank"],
                name="run_next_of_line",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("held_by__isnull", False), ("status", "queued")),
                fields=["held_by", "attempts", "rank"],
                name="run_held_by_gate",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("pace_need__isnull", False), ("status", "queued")),
                fields=["queued_at"],
                name="run_paced",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("alone", True), ("status", "queued")),
                fields=["queue", "rank"],
                name="run_tried_alone",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("status", "running")), fields=["worker"], name="run_held"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status__in", ["scheduled", "retrying"])),
                fields=["next_attempt_at"],
                name="run_timers",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("started_at__isnull", False)), fields=["started_at"], name="run_by_start"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["tenant", "-created_at"], name="run_by_tenant"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["status", "-created_at"], name="run_by_status"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["job_type", "-created_at"], name="run_by_job_type"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["-created_at"], name="run_by_age"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("unique_key__isnull", False)),
                fields=["unique_key", "-finished_at"],
                name="run_by_unique_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "scheduled",
                            "queued",
                            "running",
                            "retrying",
                            "waiting_for_confirmation",
                            "waiting_for_children",
                            "waiting_for_batch",
                            "completed",
                            "failed",
                            "cancelled",
                        ],
                    )
                ),
                name="run_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(condition=models.Q(("priority__lte", 9)), name="run_priority_0_to_9"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", False), ("status__in", ["cancelled", "completed", "failed"])),
                    models.Q(
                        models.Q(("status__in", ["cancelled", "completed", "failed"]), _negated=True),
                        ("finished_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="run_finished_at_fits_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lease_expires_at__isnull", False), ("status", "running")),
                    models.Q(models.Q(("status", "running"), _negated=True), ("lease_expires_at__isnull", True)),
                    _connector="OR",
                ),
                name="run_lease_fits_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["scheduled", "retrying"]), _negated=True),
                    ("next_attempt_at__isnull", False),
                    _connector="OR",
                ),
                name="run_timer_fits_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "queued"), ("held_by__isnull", True), _connector="OR"),
                name="run_held_while_queued",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pace_need__isnull", True),
                    ("held_by__isnull", True),
                    ("next_attempt_at__isnull", False),
                    _connector="OR",
                ),
                name="run_paced_says_until",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(fields=("tenant", "idempotency_key"), name="run_idempotency_key"),
        ),
        migrations.AddConstraint(
            model_name="revokedtool",
            constraint=models.UniqueConstraint(
                condition=models.Q(("restored_at__isnull", True)),
                fields=("tenant", "tool"),
                name="revoked_once_for_a_tenant",
            ),
        ),
        migrations.AddConstraint(
            model_name="revokedtool",
            constraint=models.UniqueConstraint(
                condition=models.Q(("restored_at__isnull", True), ("tenant__isnull", True)),
                fields=("tool",),
                name="revoked_once_for_every_tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingaction",
            index=models.Index(fields=["tenant", "status", "requested_at"], name="action_inbox"),
        ),
        migrations.AddIndex(
            model_name="pendingaction",
            index=models.Index(fields=["tenant", "requested_at"], name="action_by_tenant"),
        ),
        migrations.AddIndex(
            model_name="pendingaction",
            index=models.Index(condition=models.Q(("status", "open")), fields=["expires_at"], name="action_expiry"),
        ),
        migrations.AddIndex(
            model_name="pendingaction",
            index=models.Index(
                condition=models.Q(("status", "open"), ("tell_at__isnull", False)),
                fields=["tell_at"],
                name="action_news",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingaction",
            index=models.Index(
                condition=models.Q(("budget_period__isnull", False), ("status", "open")),
                fields=["budget_period", "requested_at"],
                name="action_of_budget",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingaction",
            index=models.Index(
                condition=models.Q(("budget_period__isnull", False), ("status", "approved")),
                fields=["budget_period"],
                name="action_raised",
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "open")), fields=("step",), name="one_open_action_per_step"
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["approval", "question", "outcome", "budget"])),
                name="action_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["open", "approved", "rejected", "answered", "resolved", "expired", "cancelled"])
                ),
                name="action_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("status", "open")),
                    models.Q(models.Q(("status", "open"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="action_decided_at_fits_status",
            ),
        ),
        migrations.AddIndex(
            model_name="pause",
            index=models.Index(condition=models.Q(("ended_at__isnull", True)), fields=["paused_at"], name="pauses_on"),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("job_type", ""),
                    ("model", ""),
                    ("queue", ""),
                    ("tenant__isnull", True),
                    ("tool", ""),
                    _negated=True,
                ),
                name="pause_of_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("user", "tenant"), name="one_role_per_tenant"),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(condition=models.Q(("queued__gt", 0)), fields=["queue", "key"], name="line_turn"),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(fields=["queue", "served_at"], name="line_last_served"),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.UniqueConstraint(fields=("queue", "tenant", "job_type"), name="one_line_each"),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=models.Q(("queued__gte", 0), ("running__gte", 0)), name="line_counts_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.CheckConstraint(condition=models.Q(("per_s__gt", 0)), name="limit_window_above_0"),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.CheckConstraint(
                condition=models.Q(("tenant__isnull", True), ("each_tenant", False), _connector="OR"),
                name="limit_of_one_tenant_or_of_each",
            ),
        ),
        migrations.AddConstraint(
            model_name="ceiling",
            constraint=models.UniqueConstraint(
                condition=models.Q(("each_tenant", False), ("tenant__isnull", True)),
                fields=("queue",),
                name="one_ceiling_of_a_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="ceiling",
            constraint=models.UniqueConstraint(
                condition=models.Q(("each_tenant", True)), fields=("queue",), name="one_ceiling_of_each_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="ceiling",
            constraint=models.UniqueConstraint(fields=("queue", "tenant"), name="one_ceiling_of_a_tenant"),
        ),
        migrations.AddConstraint(
            model_name="ceiling",
            constraint=models.CheckConstraint(
                condition=models.Q(("tenant__isnull", True), ("each_tenant", False), _connector="OR"),
                name="ceiling_of_one_tenant_or_of_each",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(condition=models.Q(("limit_usd__gt", 0)), name="budget_limit_above_0"),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("period__in", ["day", "month", "total"])), name="budget_period_known"
            ),
        ),
        migrations.AddIndex(
            model_name="approvalrule",
            index=models.Index(
                condition=models.Q(("revoked_at__isnull", True)),
                fields=["tenant", "tool", "expires_at"],
                name="rules_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("uses__lte", models.F("max_uses"))), name="rule_uses_within_bounds"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_total_usd__isnull", True), ("used_usd__lte", models.F("max_total_usd")), _connector="OR"
                ),
                name="rule_total_within_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.UniqueConstraint(fields=("tenant", "tool", "risk", "from_usd"), name="one_policy_each"),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("tenant__isnull", True)),
                fields=("tool", "risk", "from_usd"),
                name="one_policy_for_every_tenant_each",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("approvals__gte", 1), ("approvals__lte", 5)), name="policy_approvals_1_to_5"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_s__isnull", True), ("expires_s__gt", 0), _connector="OR"),
                name="policy_expires_above_0",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("remind_every_s__isnull", True), ("remind_every_s__gt", 0), _connector="OR"),
                name="policy_reminds_above_0",
            ),
        ),
        migrations.AddConstraint(
            model_name="answeredkey",
            constraint=models.UniqueConstraint(fields=("tenant", "key"), name="one_answer_for_each_key"),
        ),
        migrations.AddIndex(
            model_name="batchedcall",
            index=models.Index(
                condition=models.Q(("batch__isnull", True)), fields=["created_at"], name="batched_call_pending"
            ),
        ),
    ]
