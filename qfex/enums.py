"""The exchange's enumerations, which accept values that the exchange may add later.

An unknown text becomes a new member (``OrderStatus("NEW_ONE").value == "NEW_ONE"``), so a status that the exchange adds
later causes neither an error nor an endless wait. Such members are accepted in messages and refused as arguments.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from .errors import ValidationError

_E = TypeVar("_E", bound="OpenEnum")

_MAX_UNKNOWN = 1000  # bounds the memory that a peer with ever new values can fill


class OpenEnum(str, Enum):
    """A string enumeration that also accepts unknown values.

    Attributes
    ----------
    is_known : bool
        Whether this version of the library defines the value.
    """

    __hash__ = str.__hash__  # faster than Enum's, which is written in Python

    def __init__(self, value: str) -> None:
        self.is_known = True

    def __str__(self) -> str:
        return str.__str__(self)

    def __format__(self, spec: str) -> str:
        return str.__format__(str(self), spec)

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        known = _unknown_members.get((cls, value))
        return known or cls._remember_unknown(value)

    @classmethod
    def _remember_unknown(cls, value: str) -> OpenEnum:
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        cls.__init__(member, value)
        member.is_known = False
        if len(_unknown_members) < _MAX_UNKNOWN:
            return _unknown_members.setdefault((cls, value), member)
        return member

    @classmethod
    def parse(cls: type[_E], value: object, argument: str) -> _E:
        """Convert an argument, either a member or its text, to a member.

        Raises
        ------
        ValidationError
            If `value` is neither, or is unknown to this version of the library.
        """
        member = value if type(value) is cls else cls(value) if isinstance(value, str) else None
        if member is None or not member.is_known:
            raise ValidationError(argument, value, f"must be one of {', '.join(cls.__members__)}")
        return member


_unknown_members: dict[tuple[type[OpenEnum], str], OpenEnum] = {}


class Side(OpenEnum):
    """Side of an order or fill."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        """The opposite side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(OpenEnum):
    """Type of an order. ALO ("add liquidity only") is known elsewhere as post-only.

    Attributes
    ----------
    is_stop : bool
        Whether the order waits until the mark price reaches its trigger price.
    """

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    ALO = "ALO"
    TAKE_PROFIT = "TAKE_PROFIT"
    STOP_LOSS = "STOP_LOSS"

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.is_stop = value in ("TAKE_PROFIT", "STOP_LOSS")


class TimeInForce(OpenEnum):
    """How long an order may rest in the book."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


#: Times in force that the exchange allows for each order type, the default first. Stops ignore theirs.
ALLOWED_TIMES_IN_FORCE: dict[OrderType, tuple[TimeInForce, ...]] = {
    OrderType.LIMIT: (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK),
    OrderType.MARKET: (TimeInForce.IOC,),
    OrderType.ALO: (TimeInForce.GTC,),
    OrderType.TAKE_PROFIT: tuple(TimeInForce),
    OrderType.STOP_LOSS: tuple(TimeInForce),
}


class CancelIdType(OpenEnum):
    """Kind of identifier by which a cancel names its order or TWAP."""

    ORDER_ID = "order_id"
    CLIENT_ORDER_ID = "client_order_id"
    TWAP_ID = "twap_id"
    CLIENT_TWAP_ID = "client_twap_id"


class Channel(OpenEnum):
    """Channels of the trade client. The last three come from the client itself, not from the exchange."""

    ORDERS = "order_responses"
    FILLS = "fills"
    POSITIONS = "positions"
    BALANCES = "balances"
    STOP_ORDERS = "stop_orders"
    TWAPS = "twaps"
    ERRORS = "errors"
    CONNECTION = "connection"

    @property
    def is_local(self) -> bool:
        """Whether the channel exists only in this client, without a subscription on the exchange."""
        return self in (Channel.TWAPS, Channel.ERRORS, Channel.CONNECTION)


class MarketChannel(OpenEnum):
    """Channels of the market data client. The last two come from the client itself, not from the exchange."""

    BBO = "bbo"
    LEVEL2 = "level2"
    TRADE = "trade"
    CANDLE = "candle"
    MARK_PRICE = "mark_price"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    UNDERLIER = "underlier"
    MINMAX_PRICE = "minmax_price"
    MARKET_STATS = "market_stats"
    ERRORS = "errors"
    CONNECTION = "connection"

    @property
    def is_local(self) -> bool:
        """Whether the channel exists only in this client, without a subscription on the exchange."""
        return self in (MarketChannel.ERRORS, MarketChannel.CONNECTION)


class CandleInterval(OpenEnum):
    """Length of a candle."""

    ONE_MINUTE = "1MIN"
    FIVE_MINUTES = "5MINS"
    FIFTEEN_MINUTES = "15MINS"
    THIRTY_MINUTES = "30MINS"
    ONE_HOUR = "1HOUR"
    FOUR_HOURS = "4HOURS"
    ONE_DAY = "1DAY"


class ConnectionState(OpenEnum):
    """State of a client's connection."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    AUTHENTICATING = "AUTHENTICATING"
    RESTORING = "RESTORING"
    READY = "READY"
    STALE = "STALE"
    RECONNECTING = "RECONNECTING"
    CLOSED = "CLOSED"


class ErrorCode(OpenEnum):
    """Codes of the exchange's error messages, accepted in any case and in snake_case."""

    RATE_LIMITED = "RateLimited"
    INVALID_JSON_FORMAT = "InvalidJSONFormat"
    ALREADY_AUTHENTICATED = "AlreadyAuthenticated"
    INVALID_PARAMETER = "InvalidParameter"
    INVALID_ORDER = "InvalidOrder"
    INVALID_PRICE = "InvalidPrice"
    PERMISSION_DENIED = "PermissionDenied"
    SERVER_ERROR = "ServerError"
    ALREADY_SUBSCRIBED_TO_LEADERBOARD = "AlreadySubscribedToLeaderboard"
    KYC_REQUIRED = "KycRequired"
    TNC_REQUIRED = "TncRequired"

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if isinstance(value, str):
            folded = value.replace("_", "").lower()
            for member in cls:
                if member.value.lower() == folded:
                    return member
        return super()._missing_(value)
