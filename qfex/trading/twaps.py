"""TWAPs: add, follow, cancel."""

from __future__ import annotations

from collections.abc import Callable

from ..enums import CancelIdType, Channel, Side
from ..errors import QfexError, ValidationError
from ..models.orders import Order
from ..models.twaps import Twap
from ..order_request import flag
from ..protocol import commands as c
from ..protocol.events import Event
from ..protocol.numbers import Number, positive, text, whole
from ..session.deadline import Deadline
from .account import AccountMethods

_FIRST_POLL, _SLOWEST_POLL = 0.25, 2.0  # seconds; a poll weighs 5 of the 200 units a second


class TwapMethods(AccountMethods):
    """Methods about TWAPs, which the exchange executes as evenly spaced market orders."""

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
        """Start a TWAP.

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
        command = c.AddTwap(
            symbol=text(symbol, "symbol"),
            side=Side.parse(side, "side"),
            total_quantity=positive(total_quantity, "total_quantity"),
            num_orders=whole(num_orders, "num_orders", 2),
            order_interval_secs=whole(order_interval_secs, "order_interval_secs", 30),
            reduce_only=flag(reduce_only, "reduce_only"),
            client_twap_id=self._new_id()
            if client_twap_id is None
            else text(client_twap_id, "client_twap_id"),
        )
        self._check_child_size(command)
        twap: Twap = self._request(command, timeout)
        return twap

    def _check_child_size(self, command: c.AddTwap) -> None:
        instrument = (self._instruments or {}).get(command.symbol)
        if instrument is not None and command.total_quantity < instrument.min_quantity * command.num_orders:
            rule = f"child orders would be below the minimum quantity of {instrument.min_quantity}"
            raise ValidationError("total_quantity", command.total_quantity, rule)

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
            with self._session.state_lock:
                twap = self._dialogue.twaps.get(twap, twap)
        command = self._cancel_twap_command(twap, symbol)
        cancelled: Twap | Order | None = self._request(command, timeout)
        return cancelled or (twap if isinstance(twap, Twap) else Twap("", command.order_id, command.symbol))

    def _cancel_twap_command(self, twap: Twap | str, symbol: str | None) -> c.CancelOrder:
        if isinstance(twap, Twap):
            symbol = twap.symbol if symbol is None else symbol
            return c.CancelOrder(text(symbol, "symbol"), text(twap.twap_id, "twap"), CancelIdType.TWAP_ID)
        if symbol is None:
            raise ValidationError("symbol", None, "is needed to cancel by id")
        return c.CancelOrder(text(symbol, "symbol"), text(twap, "twap"), CancelIdType.CLIENT_TWAP_ID)

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
        deadline = self._deadline(timeout)
        pause = _FIRST_POLL
        while not deadline.passed:
            seen = self._active_twap(newest, deadline)
            if seen is None:
                return self._tell_progress(newest, self._ended_twap(newest, deadline), on_progress)
            newest = self._tell_progress(newest, seen, on_progress)
            self._pause(min(pause, deadline.remaining() or 0.0))
            pause = min(pause * 1.5, _SLOWEST_POLL)
        return newest

    def _active_twap(self, twap: Twap, deadline: Deadline) -> Twap | None:
        page = self.get_user_orders(symbol=twap.symbol or None, timeout=deadline.remaining())
        return next((row for row in page.twaps if _same(row, twap)), None)

    def _ended_twap(self, twap: Twap, deadline: Deadline) -> Twap:
        """The final state, which only the REST history has; without access to it, what was seen last."""
        try:
            with self._history(deadline) as history:
                rows = history.historic_twaps(symbol=twap.symbol or None, limit=100)
        except QfexError:
            return twap
        return next((row for row in rows if _same(row, twap)), twap)

    def _tell_progress(self, before: Twap, now: Twap, on_progress: Callable[[Twap], object] | None) -> Twap:
        if (now.filled_quantity, now.status) != (before.filled_quantity, before.status):
            self._session.publish([Event(Channel.TWAPS, None, now)])
            if on_progress is not None:
                on_progress(now)
        return now


def _same(row: Twap, twap: Twap) -> bool:
    return row.twap_id == twap.twap_id or (
        bool(row.client_twap_id) and row.client_twap_id == twap.client_twap_id
    )
