"""The worker process: slots that hold runs, the heartbeat that keeps their leases, the ear for doorbells."""
