"""The app of failed runs that wait for a person."""

from django.apps import AppConfig


class DeadLettersConfig(AppConfig):
    """Dead letters."""

    name = "deadletters"
    verbose_name = "Dead letters"
    default_auto_field = "django.db.models.BigAutoField"
