"""Bulk redrive: plan it, control it, and advance it in every sweep."""
