"""The engine: choose what an agent or a job does next, do it, and record it. Knows no HTTP, admin or RQ."""
