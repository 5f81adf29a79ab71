"""Django's SQLite backend with a gate for writers; `agentops.embedded.sqlite3` as the engine."""
