"""Benchmarks that compare with peers in one interleaved run: a noisy machine slows both alike."""
