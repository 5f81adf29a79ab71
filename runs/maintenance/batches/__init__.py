"""Maintain the batch lane: form batches, send them, poll them, take in their results."""
