"""Invariants: what must hold of the rows at any time. `check_invariants` names every row that breaks one.

The numbers are those of the failure specification and stay the same when some are not checked here.
"""
