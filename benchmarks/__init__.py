"""Benchmarks of the library beside other clients of the exchange: ``python -m benchmarks --help``."""
