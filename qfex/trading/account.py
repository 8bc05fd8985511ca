"""What the account has: orders, trades, leverage, positions, balance; and cancel-on-disconnect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from ..enums import Channel
from ..errors import OutcomeUnknown, QfexError, ValidationError
from ..models.account import Balance, Leverage, Position
from ..models.orders import OpenOrders, Order, UserTrade
from ..order_request import flag
from ..protocol import commands as c
from ..protocol.numbers import Number, positive, text, whole
from ..session.calls import Call
from ..session.deadline import Deadline
from .cancel_all import CancelAllWait
from .stops import StopMethods

if TYPE_CHECKING:
    from ..rest import RestClient

_HISTORY_TIMEOUT = 5.0  # seconds; the socket is what matters, the history only confirms


class AccountMethods(StopMethods):
    """Methods about the account."""

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
        command = c.GetUserOrders(_symbol(symbol), *_page(limit, offset))
        orders: OpenOrders = self._request(command, timeout)
        return orders

    def iter_user_orders(
        self, *, symbol: str | None = None, page_size: int = 1000, timeout: float | None = None
    ) -> Iterator[Order]:
        """Go through all live orders, page by page. `timeout` holds for each page."""
        size, offset = whole(page_size, "page_size", 1), 0
        while True:
            page = self.get_user_orders(symbol=symbol, limit=size, offset=offset, timeout=timeout)
            yield from page.orders
            if len(page.orders) < size:
                return
            offset += size

    def cancel_all_orders(self, *, timeout: float | None = None) -> list[Order]:
        """Cancel every open order of the account, in all symbols.

        Ends with the exchange's acknowledgement, or, where it sends none, when every order known to be live is
        cancelled, or nothing is known to be live and nothing came for half a second.

        Returns
        -------
        list of Order
            The orders that the exchange reported as cancelled.
        """
        deadline = self._deadline(timeout)
        with self._session.state_lock:
            known = set(self._dialogue.orders.live_ids())
        call = self._caller.submit(c.CancelAllOrders(), deadline)
        return CancelAllWait(self, call, known, deadline).result()

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
            Aware times, both included. They are applied here to the page that the exchange returns, since its
            documentation and its servers disagree on their unit. Rows without a time, as production sends them, are
            kept; use `RestClient.user_trades` where times matter.
        limit, offset : int, optional
            Page; the exchange's default limit is 1000.
        """
        for name, moment in (("start", start), ("end", end)):
            if moment is not None and getattr(moment, "tzinfo", None) is None:
                raise ValidationError(name, moment, "must be a datetime with a time zone")
        order_id = None if order_id is None else text(order_id, "order_id")
        rows: list[UserTrade] = self._request(c.GetUserTrades(order_id, *_page(limit, offset)), timeout)
        return [row for row in rows if _within(row.time, start, end)]

    def get_leverage(
        self, *, limit: int | None = None, offset: int | None = None, timeout: float | None = None
    ) -> list[Leverage]:
        """Ask for the account's leverage settings."""
        rows: list[Leverage] = self._request(c.GetLeverage(*_page(limit, offset)), timeout)
        return rows

    def get_available_leverage(
        self, *, limit: int | None = None, offset: int | None = None, timeout: float | None = None
    ) -> list[Leverage]:
        """Ask for the leverage levels that may be set, several for each symbol."""
        rows: list[Leverage] = self._request(c.GetAvailableLeverage(*_page(limit, offset)), timeout)
        return rows

    def set_leverage(self, symbol: str, leverage: Number, *, timeout: float | None = None) -> None:
        """Set the leverage of a symbol. The exchange refuses while it has open orders or a position.

        Raises
        ------
        ApiError
            If the exchange refuses.
        """
        self._request(c.SetLeverage(text(symbol, "symbol"), positive(leverage, "leverage")), timeout)

    def set_cancel_on_disconnect(self, enabled: bool, *, timeout: float | None = None) -> None:
        """Have the exchange cancel all of the account's orders when this client's line ends, however it ends.

        The setting belongs to a line; the client remembers it and arms it anew on every line, before anything else.
        The exchange may not acknowledge it, so a subscribe that follows proves that it was processed.

        Raises
        ------
        ApiError
            If the exchange refuses; the setting before stays.
        """
        command = c.SetCancelOnDisconnect(flag(enabled, "enabled"))
        before, self._dialogue.cancel_on_disconnect = self._dialogue.cancel_on_disconnect, command.enabled
        try:
            self._send_proven(command, self._deadline(timeout))
        except QfexError as error:
            if not isinstance(error, OutcomeUnknown):  # refused or never sent
                self._dialogue.cancel_on_disconnect = before
            raise

    def _send_proven(self, command: c.Command, deadline: Deadline) -> None:
        """Send a command that may not be acknowledged, and behind it the subscribe that proves it processed."""
        call = self._caller.submit(command, deadline)
        fence = None
        try:
            with suppress(QfexError):  # without the proof, the acknowledgement may come all the same
                fence = self._submit_fence(deadline)
            self._caller.result(call, deadline)
        finally:
            if fence is not None:
                fence.line.pending.give_up(fence)

    def _submit_fence(self, deadline: Deadline) -> Call:
        """Send what the exchange, which works in order, confirms when it has dealt with all that was sent before."""
        return self._caller.submit(c.Subscribe((Channel.ORDERS,)), deadline)

    # --- what was last seen ------------------------------------------------------------------------------------

    @property
    def positions(self) -> dict[str, Position]:
        """Newest position of each symbol that the positions channel told of. A copy."""
        positions: dict[str, Position] = self._read_state("positions")
        return positions

    @property
    def balance(self) -> Balance | None:
        """Newest balance that the balances channel told of; None before the first."""
        balance: Balance | None = self._read_state("balance")
        return balance

    @property
    def open_orders(self) -> dict[str, Order]:
        """Orders known to be live, by order id. A copy."""
        with self._session.state_lock:
            return self._dialogue.orders.live

    def _history(self, deadline: Deadline) -> RestClient:
        """Open the REST interface, which remembers what is finished. Imported on first use: few scripts need it."""
        from ..rest import RestClient

        remaining = deadline.remaining()
        return RestClient(
            self._environment,
            self._credentials,
            account_id=self._account_id,
            timeout=min(_HISTORY_TIMEOUT, _HISTORY_TIMEOUT if remaining is None else max(remaining, 0.1)),
            retries=0,
            proxy=self._options.proxy,
            ca_file=self._options.ca_file,
        )


def _symbol(symbol: str | None) -> str | None:
    return None if symbol is None else text(symbol, "symbol")


def _page(limit: int | None, offset: int | None) -> tuple[int | None, int | None]:
    return (
        None if limit is None else whole(limit, "limit", 1),
        None if offset is None else whole(offset, "offset", 0),
    )


def _within(moment: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if moment is None:
        return True
    return (start is None or moment >= start) and (end is None or moment <= end)
