"""Runs: execute agents and jobs durably; the product itself."""
