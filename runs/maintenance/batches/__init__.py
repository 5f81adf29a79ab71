"""The upkeep of the batch lane: form batches, send them, look at them, take their results in."""
