"""The library measured against other ways to talk to the exchange: ``python -m benchmarks --help``."""
