"""Bulk redrive: plan it, start it, and let the sweepers advance it letter by letter."""
