"""Synchronous, threaded client of the QFEX exchange.

Start with `TradeClient`; `MarketDataClient` and `RestClient` read, `qfex.sim` is an exchange on this machine.
"""

from __future__ import annotations

from ._version import __version__
from .client import TradeClient
from .credentials import HmacCredentials, JwtCredentials
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
from .environment import PROD, UAT, Environment
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
from .market_data import MarketDataClient
from .models.account import Balance, Leverage, Position
from .models.connection import ConnectionEvent, ErrorEvent, Stats
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
from .models.orders import Fill, OpenOrders, Order, StopOrder, UserTrade
from .models.twaps import Twap
from .order_request import OrderRequest
from .policies import RateLimitPolicy, ReconnectPolicy
from .rest import RestClient
from .statuses import OrderStatus
from .trading.pending_order import PendingOrder

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
]
