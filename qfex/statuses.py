"""Order statuses and what each means for the order.

The values come from the exchange's documentation, its AsyncAPI file and live traffic, which differ: ``IOC_CANCELLED``
appears only in live traffic, and ``INVALID_TAKEPROFIT_PRICE`` has two spellings.
"""

from __future__ import annotations

from .enums import OpenEnum

# Prefixes rather than a list of values, so that a rejection that the exchange adds later is recognised too.
_REJECTION_PREFIXES = (
    "REJECTED", "INVALID", "CANNOT_", "PRICE_", "QUANTITY_", "BAD_", "FAILED_", "NO_SUCH", "NOT_FOUND", "RATE_",
    "USER_IN_", "PERMISSION_", "ERROR",
)  # fmt: skip
_OTHER_CANCELLATIONS = ("IOC_PARTIALLY_FILLED", "EXPIRED")


class OrderStatus(OpenEnum):
    """Status of an order, or of a request about an order.

    Attributes
    ----------
    is_rejection : bool
        Whether the exchange rejected the request. After a rejected cancel or modify, the order itself stays live.
    is_cancellation : bool
        Whether the order was cancelled, unfilled or partly filled.
    is_terminal : bool
        Whether this status alone means that the order has ended. ``FILLED`` does not, since it may be a partial fill:
        `Order.is_done` also considers the remaining quantity and the time in force.
    """

    ACK = "ACK"
    MODIFIED = "MODIFIED"
    FILLED = "FILLED"
    IOC_PARTIALLY_FILLED = "IOC_PARTIALLY_FILLED"
    IOC_CANCELLED = "IOC_CANCELLED"
    CANCELLED = "CANCELLED"
    CANCELLED_STP = "CANCELLED_STP"
    REJECTED = "REJECTED"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    CANNOT_MODIFY_NO_SUCH_ORDER = "CANNOT_MODIFY_NO_SUCH_ORDER"
    CANNOT_MODIFY_PARTIAL_FILL = "CANNOT_MODIFY_PARTIAL_FILL"
    CANNOT_MODIFY_ALO_WOULD_CROSS = "CANNOT_MODIFY_ALO_WOULD_CROSS"
    INVALID_ORDER_TYPE = "INVALID_ORDER_TYPE"
    BAD_SYMBOL = "BAD_SYMBOL"
    INVALID_TIME_IN_FORCE = "INVALID_TIME_IN_FORCE"
    PRICE_LESS_THAN_MIN_PRICE = "PRICE_LESS_THAN_MIN_PRICE"
    PRICE_GREATER_THAN_MAX_PRICE = "PRICE_GREATER_THAN_MAX_PRICE"
    REJECTED_LESS_THAN_MIN_PRICE_BAND = "REJECTED_LESS_THAN_MIN_PRICE_BAND"
    REJECTED_GREATER_THAN_MAX_PRICE_BAND = "REJECTED_GREATER_THAN_MAX_PRICE_BAND"
    INVALID_TICK_SIZE_PRECISION_PRICE = "INVALID_TICK_SIZE_PRECISION_PRICE"
    INVALID_TICK_SIZE_PRECISION_QUANTITY = "INVALID_TICK_SIZE_PRECISION_QUANTITY"
    QUANTITY_LESS_THAN_MIN_QUANTITY = "QUANTITY_LESS_THAN_MIN_QUANTITY"
    QUANTITY_GREATER_THAN_MAX_QUANTITY = "QUANTITY_GREATER_THAN_MAX_QUANTITY"
    FAILED_MARGIN_CHECK = "FAILED_MARGIN_CHECK"
    REJECTED_WOULD_BREACH_MAX_NOTIONAL = "REJECTED_WOULD_BREACH_MAX_NOTIONAL"
    REJECTED_WOULD_BREACH_MAX_POSITION = "REJECTED_WOULD_BREACH_MAX_POSITION"
    REJECTED_LESS_THAN_MIN_NOTIONAL = "REJECTED_LESS_THAN_MIN_NOTIONAL"
    REJECTED_MARKET_CLOSED = "REJECTED_MARKET_CLOSED"
    REJECTED_FAILED_TO_PROCESS = "REJECTED_FAILED_TO_PROCESS"
    INVALID_TAKEPROFIT_PRICE = "INVALID_TAKEPROFIT_PRICE"
    INVALID_STOPLOSS_PRICE = "INVALID_STOPLOSS_PRICE"
    INVALID_TAKE_PROFIT_PRICE = "INVALID_TAKE_PROFIT_PRICE"
    INVALID_STOP_LOSS_PRICE = "INVALID_STOP_LOSS_PRICE"
    RATE_LIMITED = "RATE_LIMITED"
    REJECTED_TOO_MANY_OPEN_ORDERS = "REJECTED_TOO_MANY_OPEN_ORDERS"
    REJECTED_OPEN_INTEREST_LIMIT = "REJECTED_OPEN_INTEREST_LIMIT"
    REJECTED_TOTAL_OPEN_INTEREST_LIMIT = "REJECTED_TOTAL_OPEN_INTEREST_LIMIT"
    USER_IN_LIQUIDATION = "USER_IN_LIQUIDATION"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    # Known only from the code of other clients, never seen in live traffic.
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PARTIAL_FILL = "PARTIAL_FILL"
    PARTIAL = "PARTIAL"
    EXPIRED = "EXPIRED"
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    ERROR = "ERROR"

    def __init__(self, value: str) -> None:
        super().__init__(value)
        # Computed once for each member, because every order message reads them.
        self.is_rejection = value.startswith(_REJECTION_PREFIXES)
        self.is_cancellation = not self.is_rejection and ("CANCEL" in value or value in _OTHER_CANCELLATIONS)
        self.is_terminal = self.is_rejection or self.is_cancellation
