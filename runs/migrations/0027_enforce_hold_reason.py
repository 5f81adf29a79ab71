"""The old columns go; what is left of them gets the field's words, and the database holds the rule."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import runs.models.fields


class Migration(migrations.Migration):
    dependencies = [("runs", "0026_fill_hold_reason")]

    operations = [
        migrations.RemoveConstraint("run", "run_held_while_queued"),
        migrations.RemoveConstraint("run", "run_paced_says_until"),
        migrations.RemoveIndex("run", "run_next_of_lane"),
        migrations.RemoveIndex("run", "run_quarantined"),
        migrations.RemoveIndex("run", "run_held_by_circuit"),
        migrations.RemoveIndex("run", "run_paced"),
        migrations.RemoveField("run", "quarantined"),
        migrations.RenameField("run", "held_by", "circuit_breaker"),
        migrations.RenameField("run", "pace_need", "rate_need"),
        migrations.AlterField(
            "run",
            "circuit_breaker",
            models.ForeignKey(
                db_index=False,
                help_text="That of its model, while its circuit or a rate limit holds the run.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="held",
                to="runs.circuitbreaker",
            ),
        ),
        migrations.AlterField(
            "run",
            "rate_need",
            runs.models.fields.JSONText(
                help_text="It waits, or has waited, for a rate limit: {model, rate_limit, input_tokens, output_tokens}.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            "run",
            models.CheckConstraint(condition=Q(status="queued") | Q(hold_reason=""), name="run_held_while_queued"),
        ),
        migrations.AddConstraint(
            "run",
            models.CheckConstraint(
                condition=Q(hold_reason__in=["circuit", "rate"], circuit_breaker__isnull=False)
                | Q(hold_reason__in=["", "quarantine"], circuit_breaker__isnull=True),
                name="run_held_by_a_breaker",
            ),
        ),
        migrations.AddConstraint(
            "run",
            models.CheckConstraint(
                condition=~Q(hold_reason="rate") | Q(rate_need__isnull=False, next_attempt_at__isnull=False),
                name="run_waiting_for_rate_says_until",
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["queue_lane", "rank"], condition=Q(status="queued", hold_reason=""), name="run_next_of_lane"
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["queue", "rank"],
                condition=Q(status="queued", hold_reason="quarantine"),
                name="run_quarantined",
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["circuit_breaker", "attempts", "rank"],
                condition=Q(status="queued", circuit_breaker__isnull=False),
                name="run_held_by_circuit",
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["queued_at"],
                condition=Q(status="queued", rate_need__isnull=False),
                name="run_rate_limited",
            ),
        ),
    ]
