"""Upkeep: what must happen though nobody asks. Everything here is idempotent; any number may run at once."""
