"""What holds runs back before they are claimed: pauses and full limits. One answer for claim, API and console."""
