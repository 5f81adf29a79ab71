"""Mailing how many more letters came since the last mail about a cause; the mails are that app's, the clock is ours."""

from deadletters.mail import mail_digests
from runs import clock


def tell_failures() -> int:
    """Mail about the letters that came in a pause which is over. Returns how many mails."""
    return mail_digests(clock.now())
