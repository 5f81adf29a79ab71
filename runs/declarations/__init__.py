"""Declarations: tools, agents, jobs, and their catalog. `runs.registry` is the public entry point."""
