"""Bulk redrive: plan it, steer it, and let every sweep take a turn of its loop."""
