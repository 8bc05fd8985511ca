"""An embedded QFEX: a simulated exchange behind real sockets on loopback.

`Simulator` serves it to tests, lessons and demos; ``python -m qfex.sim`` runs it in the foreground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server.simulator import Simulator

__all__ = ["Simulator"]


def __getattr__(name: str) -> Any:
    """Import the servers when they are asked for: the engine alone needs none of their libraries."""
    if name == "Simulator":
        from .server.simulator import Simulator

        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
