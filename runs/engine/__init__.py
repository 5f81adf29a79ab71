"""The engine: what an agent or a job does next, and how it is written down. Knows no HTTP, admin or RQ."""
