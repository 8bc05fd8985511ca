"""A tour of the client against the embedded exchange: ``python -m qfex.demo``."""

from .tour import main

__all__ = ["main"]
