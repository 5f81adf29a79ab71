"""What keeps runs from being claimed: pauses and full limits. One answer for claim, API and console."""
