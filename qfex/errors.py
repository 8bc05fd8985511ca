"""The errors of the library, classified by what is known about the call that failed.

::

    QfexError
    ├── ValidationError (ValueError)         an argument was refused, nothing was sent
    ├── ConfigurationError                   the client is configured wrongly, nothing was sent
    ├── ForkedClientError                    used in a forked child process, nothing was sent
    ├── QfexConnectionError
    │   ├── NotConnected                     never sent
    │   ├── ConnectionLost                   a read was sent, the connection was lost before the answer
    │   └── AuthenticationError              the exchange refused the credentials
    ├── RequestTimeout (TimeoutError)        no answer in time; `.sent` says whether the request was sent
    │   └── OutcomeUnknown                   a trading command was sent, its outcome is unknown
    ├── SlowConsumer                         a queue that must not drop events was not read in time
    ├── OrderRejected                        the exchange rejected an order
    ├── ApiError                             the exchange answered a message with an error
    │   ├── RateLimited, InvalidParameter, InvalidOrder, InvalidJSONFormat, PermissionDenied,
    │   └── AlreadyAuthenticated, ServerError, KycRequired, TncRequired
    └── RestError                            the REST API answered with an error
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .enums import ErrorCode
    from .models.orders import Order
    from .statuses import OrderStatus


class QfexError(Exception):
    """Base class of all errors of this library."""

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
        The value that was passed.
    rule : str
        The rule that the value breaks. Several rules are joined by ``"; "``.
    """

    def __init__(self, argument: str, value: object, rule: str) -> None:
        super().__init__(f"{argument}={value!r}: {rule}")
        self.argument = argument
        self.value = value
        self.rule = rule


class ConfigurationError(QfexError):
    """The client is configured wrongly, for example by a missing variable, an unsafe URL or an unreadable file."""


class ForkedClientError(QfexError):
    """The client was made in the parent process and has no threads in this one. Make a new client."""


class QfexConnectionError(QfexError):
    """The connection to the exchange could not be established or used."""


class NotConnected(QfexConnectionError):
    """There is no connection to the exchange, and nothing was sent."""


class ConnectionLost(QfexConnectionError):
    """The connection was lost before the answer to a read arrived.

    Attributes
    ----------
    code : int or None
        WebSocket close code of the peer, if it sent one.
    reason : str
        Why the connection was lost.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} (close code {code})")
        self.reason = reason
        self.code = code


class AuthenticationError(QfexConnectionError):
    """The exchange refused the credentials. A retry with the same credentials will not help."""


class RequestTimeout(QfexError, TimeoutError):
    """No answer arrived within the timeout.

    Attributes
    ----------
    sent : bool
        False if no byte of the request was sent; True if the exchange may have received it.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class OutcomeUnknown(RequestTimeout):
    """A trading command was sent and its outcome is unknown. `TradeClient.resolve` finds it out.

    Attributes
    ----------
    command : str
        Name of the command on the wire, such as ``"add_order"``.
    client_order_id : str or None
        The id to pass to `TradeClient.resolve`, if the command has one.
    order_id : str or None
        The exchange's order id, if the command named one.
    symbol : str or None
        The symbol, if the command named one.
    reason : str
        ``"timeout"``, ``"connection lost"``, ``"closed"``, or ``"unreadable reply"`` if a reply came that could not be
        read; it is then reported on `Channel.ERRORS`.
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
    """Events that must not be dropped were not read from their queue in time."""


class OrderRejected(QfexError):
    """The exchange rejected an order, or a request to cancel or modify one.

    Attributes
    ----------
    status : OrderStatus
        The reason.
    order : Order or None
        The order as the exchange described it, or None if it did not.
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
        The kind of error.
    message : str or None
        The exchange's explanation.
    incoming_message : dict or str or None
        The refused message as the exchange echoed it, without credentials.
    """

    def __init__(
        self, error_code: ErrorCode, message: str | None = None, incoming_message: Any = None
    ) -> None:
        super().__init__(f"{error_code}: {message}" if message else str(error_code))
        self.error_code = error_code
        self.message = message
        self.incoming_message = incoming_message


class RateLimited(ApiError):
    """The account sent too many messages.

    Attributes
    ----------
    retry_after : float or None
        Seconds to wait, or None if the exchange did not say.
    """

    retry_after: float | None = None


class InvalidParameter(ApiError):
    """A value is out of range or missing."""


class InvalidOrder(ApiError):
    """The order is malformed."""


class InvalidJSONFormat(ApiError):
    """The message does not match the exchange's schema."""


class PermissionDenied(ApiError):
    """The API key lacks the permission, or the connection is not authenticated."""


class AlreadyAuthenticated(ApiError):
    """The connection is already authenticated."""


class ServerError(ApiError):
    """The exchange had an internal error."""


class KycRequired(ApiError):
    """The account's identity check (KYC) is not complete."""


class TncRequired(ApiError):
    """New terms and conditions must be accepted first."""


class RestError(QfexError):
    """The REST API answered with an error.

    Attributes
    ----------
    status_code : int
        HTTP status code.
    title, detail : str or None
        Problem description (RFC 9457), if the answer has one.
    errors : list of dict
        Details of each invalid field, if the answer has them.
    retry_after : float or None
        Seconds to wait before a retry, or None if the answer does not say.
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
