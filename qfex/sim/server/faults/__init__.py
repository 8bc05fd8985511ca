"""Fault injection on the trade socket."""

from __future__ import annotations

from .facade import Faults, Held

__all__ = ["Faults", "Held"]
