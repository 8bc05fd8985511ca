"""The trade client: every command of the exchange's trade gateway as a plain blocking method.

Each method checks its arguments, makes a command, and waits for its answer. What a command means is in `qfex.protocol`,
how it is sent and waited for in `qfex.session`, and what takes several calls in `qfex.workflows`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, overload

from .arguments import Number, flag, optional_text, page, positive, text
from .base_client import BaseClient
from .checked_commands import (
    cancel_command,
    cancel_stop_command,
    cancel_twap_command,
    exchange_channels,
    modify_command,
    modify_stop_command,
    stop_request,
    twap_command,
)
from .credentials import HmacCredentials, JwtCredentials, credentials_from_env
from .enums import CancelIdType, Channel, ConnectionState, OrderType, Side, TimeInForce
from .environment import Environment, environment_from_env, require_safe_for_secrets
from .errors import QfexError, ValidationError
from .models.account import Balance, Leverage, Position
from .models.connection import ConnectionEvent, ErrorEvent
from .models.orders import Fill, OpenOrders, Order, StopOrder, UserTrade
from .models.twaps import Twap
from .order_request import OrderRequest
from .policies import RateLimitPolicy, ReconnectPolicy, TransportOptions
from .protocol.trade import commands as c
from .protocol.trade.connection import TradeEndpoint
from .session.events import Registration
from .session.rate_limit import shared_limiter
from .session.requests import SentRequest
from .session.streams import DEFAULT_SIZE, Stream
from .threads import Deadline
from .workflows.account import Account
from .workflows.history import History
from .workflows.orders import (
    PendingOrder,
    cancel_all_orders,
    iter_orders,
    learn_past_fills,
    query_order,
    send_proven,
    wait_for_placed,
    wait_until_done,
)
from .workflows.positions import read_balance, read_positions
from .workflows.resolve import Resolution
from .workflows.twaps import TwapFollower

if TYPE_CHECKING:
    from .models.instruments import Instrument

TradeEvent = (
    Order | Fill | Position | Balance | StopOrder | Twap | ErrorEvent | ConnectionEvent
)  # fmt: skip


_LIST_LIMIT = 1.0  # seconds that the first read of the open orders waits for their list


class TradeClient(BaseClient[Channel]):
    """A blocking client of the trade gateway.

    ::

        with TradeClient(UAT, HmacCredentials(public_key, secret_key)) as client:
            order = client.place_order("AAPL-USD", "BUY", "0.5", "180.25")
            client.cancel_order(order)

    Every call ends in the truth: done (the returned model), refused (`OrderRejected`, `ApiError`,
    `ValidationError`), never sent (`NotConnected`, `RequestTimeout` with ``sent`` False), or, for a trading command
    whose answer never came, `OutcomeUnknown`, which `resolve` settles. A trading command is never sent twice.

    Parameters
    ----------
    environment : Environment
        `PROD`, `UAT`, or a simulator's.
    credentials : HmacCredentials or JwtCredentials
    account_id : str, optional
        UUID of a subaccount to act for.
    cancel_on_disconnect : bool
        Whether the exchange cancels all of the account's orders when the connection ends. Armed on every connection.
    request_timeout : float
        Seconds for each call; each method also takes its own `timeout`.
    reconnect : ReconnectPolicy or None
        None: a lost connection stays lost.
    rate_limit : RateLimitPolicy or None
        None: no throttling on this side.
    instruments : mapping of str to Instrument, optional
        Given, orders are checked before they are sent; see `RestClient.instruments`.
    proxy : str, optional
        Such as ``http://user:password@host:3128``; None takes ``HTTPS_PROXY`` and ``NO_PROXY`` from the environment.
    ca_file : str, optional
        Certificate authorities to trust instead of the system's.

    Raises
    ------
    ConfigurationError
        If the credentials would travel in the clear to another machine.
    ValidationError
        If `account_id` is no text, or `request_timeout` no time.
    """

    _channel_type = Channel

    def __init__(
        self,
        environment: Environment,
        credentials: HmacCredentials | JwtCredentials,
        *,
        account_id: str | None = None,
        cancel_on_disconnect: bool = False,
        request_timeout: float = 10.0,
        reconnect: ReconnectPolicy | None = ReconnectPolicy(),  # noqa: B008 - frozen
        rate_limit: RateLimitPolicy | None = RateLimitPolicy(),  # noqa: B008 - frozen
        instruments: Mapping[str, Instrument] | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        require_safe_for_secrets(environment.trade_url)
        account_id = optional_text(account_id, "account_id")
        self._instruments = None if instruments is None else dict(instruments)
        endpoint = TradeEndpoint(environment.trade_url, credentials, account_id, time.time, time.monotonic)
        endpoint.account.cancel_on_disconnect = cancel_on_disconnect
        super().__init__(
            "qfex-trade",
            endpoint,
            request_timeout=request_timeout,
            reconnect=reconnect,
            options=TransportOptions(proxy, ca_file, request_timeout),
            limiter=shared_limiter((environment.trade_url, credentials), rate_limit),
        )
        self._account = Account(endpoint.account, self._state)
        self._history = History(environment, credentials, account_id=account_id, proxy=proxy, ca_file=ca_file)
        self._session.answer_inquiry = self._history.answer
        # Unique among all clients of all processes, and cheaper than drawing each id at random.
        self._id_prefix = os.urandom(11).hex()
        self._id_counter = count(10**9)

    @classmethod
    def from_env(cls, **overrides: Any) -> TradeClient:
        """Make a client from environment variables.

        ``QFEX_ENV`` is ``prod`` or ``uat`` (the default); ``QFEX_TRADE_URL``, ``QFEX_MDS_URL`` and ``QFEX_REST_URL``
        replace its URLs. ``QFEX_PUBLIC_KEY`` with ``QFEX_SECRET_KEY``, or ``QFEX_JWT``, are the credentials;
        ``QFEX_ACCOUNT_ID`` names a subaccount. Keyword arguments go before the environment.

        Raises
        ------
        ConfigurationError
            If credentials are missing or ``QFEX_ENV`` is not known.
        """
        arguments = {
            "environment": overrides.pop("environment", None) or environment_from_env(),
            "credentials": overrides.pop("credentials", None) or credentials_from_env(),
            "account_id": os.environ.get("QFEX_ACCOUNT_ID") or None,
        }
        return cls(**{**arguments, **overrides})

    # --- placing orders ----------------------------------------------------------------------------------------

    def place_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        price: Number | None = None,
        *,
        order_type: OrderType | str | None = None,
        time_in_force: TimeInForce | str | None = None,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Place an order and wait for the exchange's answer.

        Parameters
        ----------
        symbol, side, quantity, price, order_type, time_in_force, reduce_only, take_profit, stop_loss, client_order_id
            See `OrderRequest`.
        wait : bool
            Whether to wait on until the order is done, or the time is up.
        timeout : float or None
            Seconds for all of it; None means the request timeout.

        Returns
        -------
        Order
            As the exchange described it first; with `wait`, its newest state.

        Raises
        ------
        ValidationError
            If an argument breaks a rule; nothing was sent.
        NotConnected, RequestTimeout
            If nothing was sent (`sent` is False).
        OrderRejected, ApiError
            If the exchange said no.
        OutcomeUnknown
            If it was sent and no answer is known; `resolve` finds out.
        """
        request = OrderRequest(
            symbol, side, quantity, price, order_type, time_in_force, reduce_only, take_profit, stop_loss,
            client_order_id,
        )  # fmt: skip
        return self._place(request, wait, self._deadline(timeout))

    def _place(self, request: OrderRequest, wait: bool, deadline: Deadline) -> Order:
        order: Order = self._requests.complete(self._order_command(request), deadline)
        return wait_for_placed(self._account, order, deadline) if wait else order

    def _order_command(self, request: OrderRequest) -> c.AddOrder:
        if not isinstance(request, OrderRequest):
            raise ValidationError("requests", request, "must be OrderRequests")
        return request.to_command(self._new_id(), self._instruments)

    def _new_id(self) -> str:
        """A client id of 32 hex digits: the length that the exchange's own clients use."""
        return f"{self._id_prefix}{next(self._id_counter)}"

    def place_limit_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        price: Number,
        *,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Place a limit order; with `post_only` it never takes liquidity (type ALO). Like `place_order` otherwise."""
        return self.place_order(
            symbol, side, quantity, price,
            order_type=OrderType.ALO if post_only else OrderType.LIMIT, time_in_force=time_in_force,
            reduce_only=reduce_only, take_profit=take_profit, stop_loss=stop_loss,
            client_order_id=client_order_id, wait=wait, timeout=timeout,
        )  # fmt: skip

    def place_market_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        *,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Place a market order. Like `place_order` otherwise."""
        return self.place_order(
            symbol, side, quantity, order_type=OrderType.MARKET,
            reduce_only=reduce_only, take_profit=take_profit, stop_loss=stop_loss,
            client_order_id=client_order_id, wait=wait, timeout=timeout,
        )  # fmt: skip

    def submit_order(
        self,
        symbol: str,
        side: Side | str,
        quantity: Number,
        price: Number | None = None,
        *,
        order_type: OrderType | str | None = None,
        time_in_force: TimeInForce | str | None = None,
        reduce_only: bool = False,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        client_order_id: str | None = None,
        timeout: float | None = None,
    ) -> PendingOrder:
        """Send an order without waiting for its answer, which `PendingOrder.result` gives. Like `place_order`."""
        request = OrderRequest(
            symbol, side, quantity, price, order_type, time_in_force, reduce_only, take_profit, stop_loss,
            client_order_id,
        )  # fmt: skip
        command = self._order_command(request)
        sent = self._requests.submit(command, self._deadline(timeout))
        return PendingOrder(sent, self._requests, command.client_order_id)

    def place_orders(
        self, requests: Iterable[OrderRequest], *, timeout: float | None = None
    ) -> list[Order | QfexError]:
        """Place many orders, sending the next before the last is answered.

        Parameters
        ----------
        requests : iterable of OrderRequest
        timeout : float or None
            Seconds for all of them together; None means the request timeout.

        Returns
        -------
        list
            In the order given, the `Order` of each request, or the exception that it ended in.
        """
        deadline = self._deadline(timeout)
        commands = [self._try_command(request) for request in requests]
        sent = self._requests.submit_all(
            [each for each in commands if isinstance(each, c.AddOrder)], deadline
        )
        try:
            in_order = iter(sent)
            submitted = [each if isinstance(each, ValidationError) else next(in_order) for each in commands]
            # The last one first: while it is waited for, the others are answered, and this thread wakes once.
            return [self._try_result(each, deadline) for each in reversed(submitted)][::-1]
        except BaseException:  # Ctrl-C
            self._requests.abandon(sent)
            raise

    def _try_command(self, request: OrderRequest) -> c.AddOrder | ValidationError:
        try:
            return self._order_command(request)
        except ValidationError as error:
            return error

    def _try_result(self, sent: SentRequest | QfexError, deadline: Deadline) -> Order | QfexError:
        if isinstance(sent, QfexError):
            return sent
        try:
            order: Order = self._requests.result(sent, deadline)
            return order
        except QfexError as error:
            return error

    def close_position(
        self,
        symbol: str,
        *,
        client_order_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Order:
        """Close a position: the exchange sends a reduce-only LIMIT IOC order for all of it near the mark price.

        A thin book may leave a part of it open.

        Returns
        -------
        Order
            The closing order; with `wait`, its newest state when it is done or the time is up.
        """
        command = c.ClosePosition(
            text(symbol, "symbol"),
            self._new_id() if client_order_id is None else text(client_order_id, "client_order_id"),
        )
        deadline = self._deadline(timeout)
        order: Order = self._requests.complete(command, deadline)
        return wait_for_placed(self._account, order, deadline) if wait else order

    # --- changing and cancelling orders ------------------------------------------------------------------------

    def modify_order(
        self,
        order: Order | str,
        *,
        price: Number | None = None,
        quantity: Number | None = None,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        reduce_only: bool | None = None,
        timeout: float | None = None,
    ) -> Order:
        """Replace price, size or attached stops of a resting order. What is not given keeps the order's own value.

        The exchange replaces the order: it loses its place in the queue and usually gets a new order id. A partly
        filled order cannot be modified.

        Raises
        ------
        ValidationError
            If an argument breaks a rule, or `order` is an id that this client has not seen.
        OrderRejected
            With a ``CANNOT_MODIFY_...`` status among others; the order itself lives on.
        """
        command = modify_command(
            self._account.seen_order(order),
            price=price,
            quantity=quantity,
            take_profit=take_profit,
            stop_loss=stop_loss,
            reduce_only=reduce_only,
        )
        modified: Order = self._request(command, timeout)
        return modified

    def cancel_order(
        self,
        order: Order | str,
        *,
        symbol: str | None = None,
        id_type: CancelIdType | str = CancelIdType.ORDER_ID,
        timeout: float | None = None,
    ) -> Order:
        """Cancel an order.

        Parameters
        ----------
        order : Order or str
            The order, or an id of the kind that `id_type` says.
        symbol : str, optional
            Needed with an id that the client has not seen.
        id_type : CancelIdType or str
            By client order id the exchange cancels every live order of the symbol with that id; the first is
            returned, all reach `Channel.ORDERS`.

        Raises
        ------
        OrderRejected
            With ``NO_SUCH_ORDER`` where there was nothing left to cancel.
        """
        cancelled: Order = self._request(cancel_command(self._account, order, symbol, id_type), timeout)
        return cancelled

    def cancel_all_orders(self, *, timeout: float | None = None) -> list[Order]:
        """Cancel every open order of the account, in all symbols.

        Ends with the exchange's acknowledgement, or, where it sends none, when every order known to be live is
        cancelled, or nothing is known to be live and nothing came for half a second.

        Returns
        -------
        list of Order
            The orders that the exchange reported as cancelled.
        """
        return cancel_all_orders(self._requests, self._account, self._deadline(timeout))

    def set_cancel_on_disconnect(self, enabled: bool, *, timeout: float | None = None) -> None:
        """Have the exchange cancel all of the account's orders when this client's connection ends, however it ends.

        The setting belongs to a connection; the client remembers it and arms it on every new one, before anything else.
        The exchange may not acknowledge it, so a subscribe that follows proves that it was processed.

        Raises
        ------
        ApiError
            If the exchange refuses; the setting before stays.
        """
        command = c.SetCancelOnDisconnect(flag(enabled, "enabled"))
        send_proven(self._requests, command, self._deadline(timeout))

    # --- stops -------------------------------------------------------------------------------------------------

    def place_stop_order(
        self,
        symbol: str,
        side: Side | str,
        stop_type: OrderType | str,
        quantity: Number,
        trigger_price: Number,
        *,
        client_order_id: str | None = None,
        timeout: float | None = None,
    ) -> Order:
        """Place a take profit or a stop loss, which fires as a market order when the mark price crosses its trigger.

        Parameters
        ----------
        side : Side or str
            Side of the order that will fire: SELL to leave a long position.
        stop_type : OrderType or str
            TAKE_PROFIT or STOP_LOSS.
        quantity : number
            In the base unit. All stops of a symbol together may not exceed the position.
        trigger_price : number
            The mark price that fires it; a multiple of the tick size.

        Raises
        ------
        ValidationError, OrderRejected, ApiError, OutcomeUnknown, NotConnected, RequestTimeout
            As `place_order` does.
        """
        request = stop_request(symbol, side, stop_type, quantity, trigger_price, client_order_id)
        return self._place(request, False, self._deadline(timeout))

    def modify_stop_order(
        self,
        stop_order: Order | StopOrder | str,
        *,
        trigger_price: Number,
        quantity: Number,
        symbol: str | None = None,
        timeout: float | None = None,
    ) -> Order | None:
        """Move or resize an untriggered stop.

        Parameters
        ----------
        stop_order : Order, StopOrder or str
            The stop, or its id.
        symbol : str, optional
            Needed with an id that the client has not seen.

        Returns
        -------
        Order or None
            The stop as modified; None where the exchange only acknowledges.
        """
        command = modify_stop_command(
            self._account, stop_order, trigger_price=trigger_price, quantity=quantity, symbol=symbol
        )
        modified: Order | None = self._request(command, timeout)
        return modified

    def cancel_stop_order(
        self, stop_order: Order | StopOrder | str, *, timeout: float | None = None
    ) -> Order | None:
        """Cancel an untriggered stop.

        Returns
        -------
        Order or None
            The cancelled stop; None where the exchange only acknowledges.
        """
        cancelled: Order | None = self._request(cancel_stop_command(self._account, stop_order), timeout)
        return cancelled

    # --- TWAPs -------------------------------------------------------------------------------------------------

    def add_twap(
        self,
        symbol: str,
        side: Side | str,
        total_quantity: Number,
        num_orders: int,
        order_interval_secs: int,
        *,
        reduce_only: bool = False,
        client_twap_id: str | None = None,
        timeout: float | None = None,
    ) -> Twap:
        """Start a TWAP, which the exchange executes as evenly spaced market orders.

        Parameters
        ----------
        total_quantity : number
            In the base unit; ``total_quantity / num_orders`` may not be below the instrument's minimum quantity.
        num_orders : int
            Number of child orders, at least 2.
        order_interval_secs : int
            Seconds between them, at least 30.
        client_twap_id : str, optional
            The caller's own id; made up where none is given.

        Raises
        ------
        ValidationError, ApiError, OrderRejected, OutcomeUnknown, NotConnected, RequestTimeout
            As `place_order` does. `OutcomeUnknown.client_order_id` is the client TWAP id.
        """
        command = twap_command(
            symbol,
            side,
            total_quantity,
            num_orders,
            order_interval_secs,
            reduce_only=reduce_only,
            client_twap_id=self._new_id() if client_twap_id is None else client_twap_id,
            instruments=self._instruments,
        )
        twap: Twap = self._request(command, timeout)
        return twap

    def cancel_twap(
        self, twap: Twap | str, *, symbol: str | None = None, timeout: float | None = None
    ) -> Twap | Order:
        """Cancel a TWAP. What it has executed so far stays.

        Parameters
        ----------
        twap : Twap or str
            The TWAP, the TWAP id of one that the client has seen, or a client TWAP id.
        symbol : str, optional
            Needed with a client TWAP id.

        Returns
        -------
        Twap or Order
            As the exchange answers. Where it only acknowledges, the TWAP as it was last seen.
        """
        if isinstance(twap, str):
            twap = self._account.twap(twap) or twap
        command = cancel_twap_command(twap, symbol)
        cancelled: Twap | Order | None = self._request(command, timeout)
        return cancelled or (twap if isinstance(twap, Twap) else Twap("", command.order_id, command.symbol))

    def wait_until_twap_done(
        self,
        twap: Twap | str,
        timeout: float | None = None,
        on_progress: Callable[[Twap], object] | None = None,
    ) -> Twap:
        """Wait until a TWAP is no longer active. The exchange has no channel for TWAPs, so this asks repeatedly.

        Parameters
        ----------
        twap : Twap or str
            The TWAP, or its TWAP id or client TWAP id.
        timeout : float or None
            Seconds; None means the TWAP's own length and a minute, or for an id the request timeout.
        on_progress : callable, optional
            Called in this thread with the `Twap` at each change.

        Returns
        -------
        Twap
            Its newest state; final if it ended in time. Changes also reach `Channel.TWAPS`.
        """
        newest = twap if isinstance(twap, Twap) else Twap(twap := text(twap, "twap"), twap)
        if timeout is None and newest.total_num_orders:
            timeout = newest.total_num_orders * newest.order_interval_secs + 60.0
        follower = TwapFollower(
            self._requests, self._account, self._history, self._session.events.publish, on_progress
        )
        return follower.follow(newest, self._deadline(timeout))

    # --- what became of orders ---------------------------------------------------------------------------------

    def wait_until_done(self, order: Order | str, timeout: float | None = None) -> Order:
        """Wait until nothing more can happen to an order.

        Follows the order through modifies that give it a new id, and through lost connections: after a reconnect the
        open orders are read again. When the time is up the newest state is returned; `Order.is_done` tells.

        Parameters
        ----------
        order : Order or str
            The order, or the id of one that the client has seen.
        timeout : float or None
            Seconds; None means the request timeout.

        Raises
        ------
        NotConnected
            If the client is closed or its connection is over.
        """
        return wait_until_done(self._account, self._account.seen_order(order), self._deadline(timeout))

    def resolve(self, client_order_id: str, symbol: str, timeout: float | None = None) -> Order | None:
        """Find out what became of an order: after `OutcomeUnknown`, or after a crash.

        Asks for the order itself, for the history of finished orders (REST), and for the live orders.

        Parameters
        ----------
        client_order_id : str
            `OutcomeUnknown.client_order_id`.
        symbol : str
            The order's symbol.
        timeout : float or None
            Seconds; None means the request timeout.

        Returns
        -------
        Order or None
            The order as the exchange has it; None only when the order query and the history both said that there is
            no such order, and still said so after a short grace.

        Raises
        ------
        OutcomeUnknown
            If the exchange could not be asked, or not all of it; or if stops of the symbol are live that carry no
            client order id (as documented) and that this client did not see placed: one of them may be the order.
        """
        self._session.check_process()
        resolution = Resolution(
            self._requests,
            self._account,
            self._history,
            text(client_order_id, "client_order_id"),
            text(symbol, "symbol"),
            self._deadline(timeout),
        )
        return resolution.result()

    def get_order(self, symbol: str, order_id: str, *, timeout: float | None = None) -> Order:
        """Ask for one order, by order id or client order id.

        Raises
        ------
        OrderRejected
            With ``NO_SUCH_ORDER`` where the exchange knows none.
        """
        symbol, order_id = text(symbol, "symbol"), text(order_id, "order_id")
        return query_order(self._requests, self._account, symbol, order_id, self._deadline(timeout))

    # --- the account -------------------------------------------------------------------------------------------

    def get_user_orders(
        self,
        *,
        symbol: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        timeout: float | None = None,
    ) -> OpenOrders:
        """Ask for live orders, untriggered stops included, and active TWAPs.

        Parameters
        ----------
        limit, offset : int, optional
            Page; the exchange's defaults are 1000 and 0.
        """
        command = c.GetUserOrders(optional_text(symbol, "symbol"), *page(limit, offset))
        orders: OpenOrders = self._request(command, timeout)
        return orders

    def iter_user_orders(
        self, *, symbol: str | None = None, page_size: int = 1000, timeout: float | None = None
    ) -> Iterator[Order]:
        """Go through all live orders, page by page. `timeout` holds for each page."""
        symbol = optional_text(symbol, "symbol")
        return iter_orders(self._requests, symbol, page_size, self._seconds(timeout))

    def get_user_trades(
        self,
        *,
        order_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        offset: int | None = None,
        timeout: float | None = None,
    ) -> list[UserTrade]:
        """Ask for the account's trades.

        Parameters
        ----------
        order_id : str, optional
            Of one order only.
        start, end : datetime, optional
            Aware times, both included. The socket's rows may have no time, and its own filter is not usable, since
            documentation and production disagree on the unit; so with either of them the REST interface is asked.
        limit, offset : int, optional
            Page; the exchange's default limit is 1000.
        """
        for name, moment in (("start", start), ("end", end)):
            if moment is not None and getattr(moment, "tzinfo", None) is None:
                raise ValidationError(name, moment, "must be a datetime with a time zone")
        order_id, rows_wanted = optional_text(order_id, "order_id"), page(limit, offset)
        if start is not None or end is not None:
            return self._history.trades(order_id, start, end, rows_wanted, self._deadline(timeout))
        rows: list[UserTrade] = self._request(c.GetUserTrades(order_id, *rows_wanted), timeout)
        return rows

    def get_leverage(
        self, *, limit: int | None = None, offset: int | None = None, timeout: float | None = None
    ) -> list[Leverage]:
        """Ask for the account's leverage settings."""
        rows: list[Leverage] = self._request(c.GetLeverage(*page(limit, offset)), timeout)
        return rows

    def get_available_leverage(
        self, *, limit: int | None = None, offset: int | None = None, timeout: float | None = None
    ) -> list[Leverage]:
        """Ask for the leverage levels that may be set, several for each symbol."""
        rows: list[Leverage] = self._request(c.GetAvailableLeverage(*page(limit, offset)), timeout)
        return rows

    def set_leverage(self, symbol: str, leverage: Number, *, timeout: float | None = None) -> None:
        """Set the leverage of a symbol. The exchange refuses while it has open orders or a position.

        Raises
        ------
        ApiError
            If the exchange refuses.
        """
        self._request(c.SetLeverage(text(symbol, "symbol"), positive(leverage, "leverage")), timeout)

    @property
    def positions(self) -> dict[str, Position]:
        """Position of each symbol. A copy; an empty dict, or quantities of zero, mean flat.

        The first read subscribes to `Channel.POSITIONS`. No position is older than a fill or the end of an order that this
        client has reported: where the channel has not reported it yet, the REST interface is asked, and where that does
        not answer, the next report is waited for.

        Raises
        ------
        RequestTimeout
            If the exchange did not report the positions within the request timeout.
        """
        self._subscribe_for(Channel.POSITIONS)
        return read_positions(self._account, self._history, self._deadline(None))

    @property
    def balance(self) -> Balance | None:
        """Balance of the account; None if the exchange did not report any within the request timeout.

        Subscribes and waits as `positions` does.

        Raises
        ------
        RequestTimeout
            If the exchange did not report the balance again, after a fill or the end of an order.
        """
        self._subscribe_for(Channel.BALANCES)
        return read_balance(self._account, self._history, self._deadline(None))

    def _subscribe_for(self, channel: Channel) -> None:
        """Subscribe to what a property shows, unless it is wanted already."""
        self._session.refuse_if_over()
        if not self._account.wants(channel):
            self.subscribe(channel)

    @property
    def open_orders(self) -> dict[str, Order]:
        """Live orders of the account, by order id. A copy.

        The first read has the exchange list them, since orders of other sessions may be live, and waits for the list at
        most a second.
        """
        if self.state is ConnectionState.READY:
            self._account.list_orders_once(Deadline(_LIST_LIMIT))
        return self._account.open_orders()

    def _open_questions(self) -> int:
        return self._account.open_questions()

    # --- channels ----------------------------------------------------------------------------------------------

    def subscribe(self, *channels: Channel | str, timeout: float | None = None) -> None:
        """Subscribe to channels of the account. Restored on every connection; asking twice does no harm.

        Raises
        ------
        ValidationError
            If a channel is unknown, or exists in this client only.
        """
        wanted = exchange_channels(channels)
        deadline = self._deadline(timeout)
        self._session.refuse_if_closed()
        missing = tuple(channel for channel in wanted if not self._account.is_in_force(channel))
        if missing:
            self._requests.request(c.Subscribe(missing), deadline.remaining())
        if Channel.FILLS in wanted:
            self._learn_fills(deadline)

    def unsubscribe(self, *channels: Channel | str, timeout: float | None = None) -> None:
        """Unsubscribe from channels.

        Raises
        ------
        ValidationError
            For `Channel.ORDERS` too: without it the exchange does not answer order commands.
        """
        wanted = exchange_channels(channels)
        if Channel.ORDERS in wanted:
            raise ValidationError(
                "channels", "order_responses", "is needed for the replies to order commands"
            )
        self._request(c.Unsubscribe(tuple(wanted)), timeout)

    def _want(self, channel: Channel) -> None:
        """Subscribe now, or with the first connection."""
        if channel.is_local:
            return
        if self._session.is_alive:
            self.subscribe(channel)
        else:
            self._account.want(channel)

    def _on_ready(self) -> None:
        if not self._account.wants(Channel.FILLS):
            return
        try:
            self._learn_fills(self._deadline(None))
        except QfexError as error:
            message = f"what was traded before could not be read: {error}"
            self._session.events.report("recovery", message, error=error)

    def _learn_fills(self, deadline: Deadline) -> None:
        """Find out what was traded before, so that an outage can be distinguished from the past."""
        learn_past_fills(self._requests, self._account, deadline)

    @overload
    def on(self, channel: Literal[Channel.ORDERS], callback: Callable[[Order], object]) -> Registration: ...
    @overload
    def on(self, channel: Literal[Channel.FILLS], callback: Callable[[Fill], object]) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.POSITIONS], callback: Callable[[Position], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.BALANCES], callback: Callable[[Balance], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.STOP_ORDERS], callback: Callable[[StopOrder], object]
    ) -> Registration: ...
    @overload
    def on(self, channel: Literal[Channel.TWAPS], callback: Callable[[Twap], object]) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.ERRORS], callback: Callable[[ErrorEvent], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.CONNECTION], callback: Callable[[ConnectionEvent], object]
    ) -> Registration: ...
    @overload
    def on(self, channel: Channel | str, callback: Callable[[Any], object]) -> Registration: ...
    def on(self, channel: Channel | str, callback: Callable[[Any], object]) -> Registration:
        """Call a function for each event of a channel; see `BaseClient.on`."""
        return super().on(channel, callback)

    @overload
    def stream(self, channel: Literal[Channel.ORDERS], /, *, maxsize: int = ...) -> Stream[Order]: ...
    @overload
    def stream(self, channel: Literal[Channel.FILLS], /, *, maxsize: int = ...) -> Stream[Fill]: ...
    @overload
    def stream(self, channel: Literal[Channel.POSITIONS], /, *, maxsize: int = ...) -> Stream[Position]: ...
    @overload
    def stream(self, channel: Literal[Channel.BALANCES], /, *, maxsize: int = ...) -> Stream[Balance]: ...
    @overload
    def stream(
        self, channel: Literal[Channel.STOP_ORDERS], /, *, maxsize: int = ...
    ) -> Stream[StopOrder]: ...
    @overload
    def stream(self, channel: Literal[Channel.TWAPS], /, *, maxsize: int = ...) -> Stream[Twap]: ...
    @overload
    def stream(self, channel: Literal[Channel.ERRORS], /, *, maxsize: int = ...) -> Stream[ErrorEvent]: ...
    @overload
    def stream(
        self, channel: Literal[Channel.CONNECTION], /, *, maxsize: int = ...
    ) -> Stream[ConnectionEvent]: ...
    @overload
    def stream(self, *channels: Channel | str, maxsize: int = ...) -> Stream[TradeEvent]: ...
    def stream(self, *channels: Channel | str, maxsize: int = DEFAULT_SIZE) -> Stream[TradeEvent]:
        """Open an iterable queue of the events of some channels; see `BaseClient.stream`."""
        return super().stream(*channels, maxsize=maxsize)
