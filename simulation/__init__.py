"""The service on fakes and in virtual time. Tests and benchmarks import it; nothing here ships."""
