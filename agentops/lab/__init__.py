"""The lab: what proves and measures the product, and is no part of it."""
