"""An embedded simulator of the QFEX exchange, served on loopback sockets.

`Simulator` runs it for tests, lessons and demos; ``python -m qfex.sim`` runs it in the foreground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server.simulator import Simulator

__all__ = ["Simulator"]


def __getattr__(name: str) -> Any:
    """Import the server on first use, because the engine alone does not need its libraries."""
    if name == "Simulator":
        from .server.simulator import Simulator

        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
