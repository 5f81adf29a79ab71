"""Django's PostgreSQL backend, made steady; `agentops.postgresql` as the engine."""
