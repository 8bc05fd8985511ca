"""Order statuses and what each says about the order.

The values are those of the exchange's documentation, its AsyncAPI file, and live traffic, where these differ
(``IOC_CANCELLED`` is live only; ``INVALID_TAKEPROFIT_PRICE`` has two spellings).
"""

from __future__ import annotations

from .enums import OpenEnum

# What a status says, known or not; the prefixes hold for every value known so far.
_REJECTION_PREFIXES = (
    "REJECTED", "INVALID", "CANNOT_", "PRICE_", "QUANTITY_", "BAD_", "FAILED_", "NO_SUCH", "NOT_FOUND", "RATE_",
    "USER_IN_", "PERMISSION_", "ERROR",
)  # fmt: skip
_OTHER_CANCELLATIONS = ("IOC_PARTIALLY_FILLED", "EXPIRED")


class OrderStatus(OpenEnum):
    """Status of an order, or of the request that named it.

    Attributes
    ----------
    is_rejection : bool
        Whether the exchange said no. For a cancel or a modify the order itself lives on.
    is_cancellation : bool
        Whether the order left the book unfilled or partly filled.
    is_terminal : bool
        Whether this status alone ends an order. ``FILLED`` does not: it may be a partial fill, so only the order's
        `quantity_remaining` and time in force tell (`Order.is_done`).
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
    # Seen only in the code of other clients, never in a capture; understood all the same.
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
        # Computed once: each message about an order asks.
        self.is_rejection = value.startswith(_REJECTION_PREFIXES)
        self.is_cancellation = not self.is_rejection and ("CANCEL" in value or value in _OTHER_CANCELLATIONS)
        self.is_terminal = self.is_rejection or self.is_cancellation
