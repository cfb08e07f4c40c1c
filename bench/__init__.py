"""Benchmarks: each module of `bench.publish.QUESTIONS` answers one question beside one baseline."""
