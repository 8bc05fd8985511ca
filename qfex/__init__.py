"""Synchronous, threaded client of the QFEX exchange.

Start with `TradeClient`; `MarketDataClient` and `RestClient` read, `qfex.sim` is an exchange on this machine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__
from .client import TradeClient
from .credentials import HmacCredentials, JwtCredentials, credentials_from_env
from .enums import (
    CancelIdType,
    CandleInterval,
    Channel,
    ConnectionState,
    ErrorCode,
    MarketChannel,
    OrderType,
    Side,
    TimeInForce,
)
from .environment import PROD, UAT, Environment, environment_from_env
from .errors import (
    AlreadyAuthenticated,
    ApiError,
    AuthenticationError,
    ConfigurationError,
    ConnectionLost,
    ForkedClientError,
    InvalidJSONFormat,
    InvalidOrder,
    InvalidParameter,
    KycRequired,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    PermissionDenied,
    QfexConnectionError,
    QfexError,
    RateLimited,
    RequestTimeout,
    RestError,
    ServerError,
    SlowConsumer,
    TncRequired,
    ValidationError,
)
from .models.account import Balance, Leverage, Position
from .models.connection import ConnectionEvent, ErrorEvent, Stats
from .models.orders import Fill, OpenOrders, Order, StopOrder, UserTrade
from .models.twaps import Twap
from .order_request import OrderRequest
from .policies import RateLimitPolicy, ReconnectPolicy
from .statuses import OrderStatus
from .workflows.orders import PendingOrder

if TYPE_CHECKING:
    from .dataframes import to_frame
    from .market_data import MarketDataClient
    from .models.instruments import Instrument
    from .models.market import (
        Bbo,
        Candle,
        FundingRate,
        Level,
        MarketStats,
        MarkPrice,
        MinMaxPrice,
        OpenInterest,
        OrderBook,
        PublicTrade,
        Underlier,
    )
    from .plain import to_dict, to_json
    from .rest import RestClient

__all__ = [
    "PROD",
    "UAT",
    "AlreadyAuthenticated",
    "ApiError",
    "AuthenticationError",
    "Balance",
    "Bbo",
    "CancelIdType",
    "Candle",
    "CandleInterval",
    "Channel",
    "ConfigurationError",
    "ConnectionEvent",
    "ConnectionLost",
    "ConnectionState",
    "Environment",
    "ErrorCode",
    "ErrorEvent",
    "Fill",
    "ForkedClientError",
    "FundingRate",
    "HmacCredentials",
    "Instrument",
    "InvalidJSONFormat",
    "InvalidOrder",
    "InvalidParameter",
    "JwtCredentials",
    "KycRequired",
    "Level",
    "Leverage",
    "MarkPrice",
    "MarketChannel",
    "MarketDataClient",
    "MarketStats",
    "MinMaxPrice",
    "NotConnected",
    "OpenInterest",
    "OpenOrders",
    "Order",
    "OrderBook",
    "OrderRejected",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "OutcomeUnknown",
    "PendingOrder",
    "PermissionDenied",
    "Position",
    "PublicTrade",
    "QfexConnectionError",
    "QfexError",
    "RateLimitPolicy",
    "RateLimited",
    "ReconnectPolicy",
    "RequestTimeout",
    "RestClient",
    "RestError",
    "ServerError",
    "Side",
    "SlowConsumer",
    "Stats",
    "StopOrder",
    "TimeInForce",
    "TncRequired",
    "TradeClient",
    "Twap",
    "Underlier",
    "UserTrade",
    "ValidationError",
    "__version__",
    "credentials_from_env",
    "environment_from_env",
    "to_dict",
    "to_frame",
    "to_json",
]

#: Imported on first use: a script that only trades, started each minute, does not pay for the rest.
_LAZY = {
    "Instrument": "models.instruments",
    "MarketDataClient": "market_data",
    "RestClient": "rest",
    "to_dict": "plain",
    "to_frame": "dataframes",
    "to_json": "plain",
    **dict.fromkeys(
        (
            "Bbo",
            "Candle",
            "FundingRate",
            "Level",
            "MarketStats",
            "MarkPrice",
            "MinMaxPrice",
            "OpenInterest",
            "OrderBook",
            "PublicTrade",
            "Underlier",
        ),
        "models.market",
    ),
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
