"""Servers that need no installation: for development, the demo and the tests."""
