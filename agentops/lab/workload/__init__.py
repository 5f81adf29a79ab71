"""Replaying a recorded workload through the API and comparing what happened with what was recorded."""
