"""The exchange's enumerations, open to values that the exchange may add later.

An unknown text becomes a member that carries it (``OrderStatus("NEW_ONE").value == "NEW_ONE"``), so that a new
status neither raises nor hangs a caller. Such members are understood on the way in and refused as arguments.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from .errors import ValidationError

_E = TypeVar("_E", bound="OpenEnum")

_MAX_UNKNOWN = 1000  # a peer that invents values without end must not fill the memory


class OpenEnum(str, Enum):
    """A text enumeration that keeps values it does not know.

    Attributes
    ----------
    is_known : bool
        Whether this value was known when this version was made.
    """

    __hash__ = str.__hash__  # in C, unlike the enumeration's own

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
        """Take a member or its text as an argument of a call.

        Raises
        ------
        ValidationError
            If `value` is neither, or is a value that this version does not know.
        """
        member = value if type(value) is cls else cls(value) if isinstance(value, str) else None
        if member is None or not member.is_known:
            raise ValidationError(argument, value, f"must be one of {', '.join(cls.__members__)}")
        return member


_unknown_members: dict[tuple[type[OpenEnum], str], OpenEnum] = {}


class Side(OpenEnum):
    """Direction of an order or fill."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(OpenEnum):
    """Type of an order. ALO is "add liquidity only", elsewhere called post only.

    Attributes
    ----------
    is_stop : bool
        Whether the order waits for the mark price to reach its trigger.
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
    """How long an order may rest."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


#: What the exchange allows: order type -> times in force. Stops ignore theirs.
ALLOWED_TIMES_IN_FORCE: dict[OrderType, tuple[TimeInForce, ...]] = {
    OrderType.LIMIT: (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK),
    OrderType.MARKET: (TimeInForce.IOC,),
    OrderType.ALO: (TimeInForce.GTC,),
    OrderType.TAKE_PROFIT: tuple(TimeInForce),
    OrderType.STOP_LOSS: tuple(TimeInForce),
}


class CancelIdType(OpenEnum):
    """Which kind of identifier a cancel names."""

    ORDER_ID = "order_id"
    CLIENT_ORDER_ID = "client_order_id"
    TWAP_ID = "twap_id"
    CLIENT_TWAP_ID = "client_twap_id"


class Channel(OpenEnum):
    """Channels of the trade client. The last three are the client's own, not the exchange's."""

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
        """Whether the channel exists in this client only, with nothing to subscribe to on the exchange."""
        return self in (Channel.TWAPS, Channel.ERRORS, Channel.CONNECTION)


class MarketChannel(OpenEnum):
    """Channels of the market data client. The last two are the client's own, not the exchange's."""

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
        """Whether the channel exists in this client only, with nothing to subscribe to on the exchange."""
        return self in (MarketChannel.ERRORS, MarketChannel.CONNECTION)


class CandleInterval(OpenEnum):
    """Length of a candle."""

    ONE_MINUTE = "1MIN"
    FIVE_MINUTES = "5MINS"
    FIFTEEN_MINUTES = "15MINS"
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
    """Codes of the exchange's error messages. Any casing is understood, snake_case included."""

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
