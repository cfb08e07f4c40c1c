"""Runs the service on fakes and in virtual time, for tests and benchmarks. It is not deployed."""
