"""Declaring work: tools, agents, jobs, and the catalog they are kept in. `runs.registry` is the public door."""
