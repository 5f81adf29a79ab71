"""People are notified: the columns that say when take the word."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0029_turns_of_tenants")]
    operations = [
        migrations.RemoveIndex("pendingaction", "action_news"),
        migrations.RenameField("pendingaction", "tell_at", "notify_at"),
        migrations.AddIndex(
            "pendingaction",
            models.Index(
                condition=Q(status="open", notify_at__isnull=False), fields=["notify_at"], name="action_notify_due"
            ),
        ),
        migrations.RemoveIndex("budgetperiod", "budget_soft_untold"),
        migrations.RenameField("budgetperiod", "soft_told_at", "soft_notified_at"),
        migrations.AddIndex(
            "budgetperiod",
            models.Index(
                condition=Q(soft_reached_at__isnull=False, soft_notified_at__isnull=True),
                fields=["soft_reached_at"],
                name="budget_soft_unnotified",
            ),
        ),
        migrations.AlterField(
            "pendingaction",
            "notify_at",
            models.DateTimeField(help_text="When people are notified, or reminded, next.", null=True),
        ),
    ]
