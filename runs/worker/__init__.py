"""The worker process: slots that hold runs, the heartbeat that renews their leases, the doorbell listener."""
