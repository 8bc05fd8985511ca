"""Everything that can go wrong on a line, on demand."""

from __future__ import annotations

from .facade import Faults, Held

__all__ = ["Faults", "Held"]
