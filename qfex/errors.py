"""Every error of the library, split by what is known about the call that raised it.

::

    QfexError
    ├── ValidationError (ValueError)         refused here, nothing was sent
    ├── ConfigurationError                   the client is set up wrongly, nothing was sent
    ├── ForkedClientError                    used in a forked child process, nothing was sent
    ├── QfexConnectionError
    │   ├── NotConnected                     never sent
    │   ├── ConnectionLost                   a read was sent, the line died before its answer
    │   └── AuthenticationError              the exchange refused the credentials
    ├── RequestTimeout (TimeoutError)        `.sent` tells whether the request left
    │   └── OutcomeUnknown                   a trading command left, no answer is known
    ├── SlowConsumer                         a queue that may not drop was not emptied in time
    ├── OrderRejected                        the exchange said no to an order
    ├── ApiError                             the exchange said no to a message
    │   ├── RateLimited, InvalidParameter, InvalidOrder, InvalidJSONFormat, PermissionDenied,
    │   └── AlreadyAuthenticated, ServerError, KycRequired, TncRequired
    └── RestError                            the REST interface said no
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .enums import ErrorCode
    from .models.orders import Order
    from .statuses import OrderStatus


class QfexError(Exception):
    """Root of all errors of this library."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[QfexError], args: tuple[Any, ...], state: dict[str, Any]) -> QfexError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ValidationError(QfexError, ValueError):
    """An argument was refused before anything was sent.

    Attributes
    ----------
    argument : str
        Name of the argument.
    value : object
        What was given.
    rule : str
        The rule it breaks. Several broken rules are joined by ``"; "``.
    """

    def __init__(self, argument: str, value: object, rule: str) -> None:
        super().__init__(f"{argument}={value!r}: {rule}")
        self.argument = argument
        self.value = value
        self.rule = rule


class ConfigurationError(QfexError):
    """The client is set up wrongly: a missing variable, an unsafe URL, an unreadable file."""


class ForkedClientError(QfexError):
    """The client was made in a parent process; its threads do not exist here. Make a new one."""


class QfexConnectionError(QfexError):
    """The connection to the exchange could not be made or used."""


class NotConnected(QfexConnectionError):
    """There is no line to the exchange, and nothing of this call was sent."""


class ConnectionLost(QfexConnectionError):
    """The line died while an answer was awaited.

    Attributes
    ----------
    code : int or None
        The peer's WebSocket close code, if it sent one.
    reason : str
        Why the line died.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} (close code {code})")
        self.reason = reason
        self.code = code


class AuthenticationError(QfexConnectionError):
    """The exchange refused the credentials. Trying again does not help."""


class RequestTimeout(QfexError, TimeoutError):
    """No answer within the time allowed.

    Attributes
    ----------
    sent : bool
        False when nothing of the request left; True when it may have arrived.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class OutcomeUnknown(RequestTimeout):
    """A trading command left and its fate is not known. Ask `TradeClient.resolve`.

    Attributes
    ----------
    command : str
        The wire name of the command, such as ``"add_order"``.
    client_order_id : str or None
        What to resolve by, where the command has one.
    order_id : str or None
        The exchange's order id, where the command named one.
    symbol : str or None
        The symbol, where the command named one.
    reason : str
        ``"timeout"``, ``"connection lost"`` or ``"closed"``.
    """

    def __init__(
        self,
        command: str,
        reason: str,
        *,
        client_order_id: str | None = None,
        order_id: str | None = None,
        symbol: str | None = None,
    ) -> None:
        named = ", ".join(
            f"{name}={value}"
            for name, value in (
                ("client_order_id", client_order_id),
                ("order_id", order_id),
                ("symbol", symbol),
            )
            if value
        )
        super().__init__(f"outcome of {command} unknown ({reason}){': ' if named else ''}{named}", sent=True)
        self.command = command
        self.reason = reason
        self.client_order_id = client_order_id
        self.order_id = order_id
        self.symbol = symbol


class SlowConsumer(QfexError):
    """Events that may not be dropped were not taken from their queue in time."""


class OrderRejected(QfexError):
    """The exchange refused an order, or a request about one.

    Attributes
    ----------
    status : OrderStatus
        Why.
    order : Order or None
        The order as the exchange described it, if it did.
    """

    def __init__(self, status: OrderStatus, order: Order | None = None) -> None:
        named = f" (order {order.order_id or order.client_order_id}, {order.symbol})" if order else ""
        super().__init__(f"{status}{named}")
        self.status = status
        self.order = order


class ApiError(QfexError):
    """The exchange answered a message with an error.

    Attributes
    ----------
    error_code : ErrorCode
        What kind of error.
    message : str or None
        The exchange's own words.
    incoming_message : dict or str or None
        The echo of the message that it refused, without credentials.
    """

    def __init__(
        self, error_code: ErrorCode, message: str | None = None, incoming_message: Any = None
    ) -> None:
        super().__init__(f"{error_code}: {message}" if message else str(error_code))
        self.error_code = error_code
        self.message = message
        self.incoming_message = incoming_message


class RateLimited(ApiError):
    """Too many messages.

    Attributes
    ----------
    retry_after : float or None
        Seconds to wait, where the exchange's text names them.
    """

    retry_after: float | None = None


class InvalidParameter(ApiError):
    """A value is out of range or missing."""


class InvalidOrder(ApiError):
    """The order is malformed."""


class InvalidJSONFormat(ApiError):
    """The message does not fit the exchange's schema."""


class PermissionDenied(ApiError):
    """The key lacks the permission, or the line is not authenticated."""


class AlreadyAuthenticated(ApiError):
    """The line was authenticated before."""


class ServerError(ApiError):
    """The exchange failed internally."""


class KycRequired(ApiError):
    """The account's identity check is not complete."""


class TncRequired(ApiError):
    """New terms and conditions must be accepted first."""


class RestError(QfexError):
    """The REST interface answered with an error.

    Attributes
    ----------
    status_code : int
        The HTTP status.
    title, detail : str or None
        The problem description (RFC 9457), where one was given.
    errors : sequence of dict
        Details by field, where given.
    retry_after : float or None
        Seconds to wait before asking again, where the answer names them.
    """

    retry_after: float | None = None

    def __init__(
        self,
        status_code: int,
        title: str | None = None,
        detail: str | None = None,
        errors: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(": ".join(str(part) for part in (status_code, title, detail) if part))
        self.status_code = status_code
        self.title = title
        self.detail = detail
        self.errors = list(errors or ())
