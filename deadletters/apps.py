"""The app of dead letters: register with `runs` what happens to a failed run."""

from django.apps import AppConfig


class DeadLettersConfig(AppConfig):
    """Dead letters."""

    name = "deadletters"
    verbose_name = "Dead letters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what `runs` leaves to this app."""
        from deadletters.capture import capture
        from deadletters.invariants import dead_letters_agree
        from deadletters.mail import mail_digests
        from deadletters.redrive.advance import advance_redrives
        from deadletters.replay import close_for_retry
        from runs.extensions import extend, keep_failures_with

        keep_failures_with(capture, close_for_retry=close_for_retry)
        extend(
            upkeep=(mail_digests, advance_redrives),  # the slowest last: no rescue waits for it
            invariants=[dead_letters_agree],
            api_urls=["deadletters.api.urls"],
        )
