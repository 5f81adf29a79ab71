"""Pacing: no provider is asked faster than its paces allow, over all workers together."""
