"""What everybody may see: the market data socket and the REST interface, fed by the engine."""

from __future__ import annotations

from .market_data_socket import market_data_routes
from .rest import rest_routes

__all__ = ["market_data_routes", "rest_routes"]
