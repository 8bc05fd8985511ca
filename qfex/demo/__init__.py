"""A tour of the client on the embedded exchange: ``python -m qfex.demo``."""

from .tour import main

__all__ = ["main"]
