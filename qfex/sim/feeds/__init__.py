"""Market data and REST: the streams and operations that publish the engine's state."""

from __future__ import annotations

from .market_data_socket import market_data_routes
from .rest import rest_routes

__all__ = ["market_data_routes", "rest_routes"]
