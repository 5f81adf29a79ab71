"""From a queued row to a worker: the doorbell that wakes, and the claim that decides."""
