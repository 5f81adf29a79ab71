"""Django's PostgreSQL backend with robust connections; `agentops.postgresql` as the engine."""
