"""A stretch of network between a client and the simulator, where bytes are cut, stalled, slowed and lost."""

from __future__ import annotations

from .facade import Cable

__all__ = ["Cable"]
