"""Gates are circuit breakers now: a gate that was shut is a circuit that is open. Rows and permissions stay."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0014_token_job_types")]

    operations = [
        migrations.RemoveConstraint("gate", "one_gate_each"),
        migrations.RemoveConstraint("gate", "gate_shut_by_something"),
        migrations.RenameModel("Gate", "CircuitBreaker"),
        migrations.RenameField("circuitbreaker", "shut_by", "open_reason"),
        migrations.RenameField("circuitbreaker", "shut_at", "opened_at"),
        migrations.RenameField("circuitbreaker", "shut_until", "open_until"),
        migrations.RenameField("circuitbreaker", "times_shut", "times_opened"),
        migrations.AlterField(
            "circuitbreaker",
            "open_until",
            models.DateTimeField(null=True, help_text="From then on one run may probe; empty: closed."),
        ),
        migrations.AddConstraint(
            "circuitbreaker",
            models.UniqueConstraint(fields=["provider", "model"], name="one_circuit_breaker_each"),
        ),
        migrations.AddConstraint(
            "circuitbreaker",
            models.CheckConstraint(
                condition=Q(open_until__isnull=True, open_reason="")
                | (Q(open_until__isnull=False) & ~Q(open_reason="")),
                name="circuit_open_for_a_reason",
            ),
        ),
        migrations.RenameIndex("run", old_name="run_held_by_gate", new_name="run_held_by_circuit"),
        migrations.AlterField(
            "run",
            "held_by",
            models.ForeignKey(
                db_index=False,
                help_text="Queued, but the circuit of its model is open.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="held",
                to="runs.circuitbreaker",
            ),
        ),
    ]
