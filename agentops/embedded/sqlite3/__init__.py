"""Django's SQLite backend with a lock that queues writers; `agentops.embedded.sqlite3` as the engine."""
