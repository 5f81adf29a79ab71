"""Invariants: what must be true of the rows at any time. `check_invariants` names every row that breaks one.

Each public function of a module `of_…` is a check. The numbers are those of the failure specification and stay the same
when some are not checked here. Not built yet, so not checked: I17 (children and their parent), I18 (schedules) and I20
(an outbox; there is none by design). The half of I9 that compares with the receivers' own ledger is up to the code that
keeps one.
"""
