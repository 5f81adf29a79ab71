"""Runs: agents and jobs executed durably; the product itself."""
