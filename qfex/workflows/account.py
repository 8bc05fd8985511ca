"""The account as a client knows it, for any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..arguments import text
from ..enums import Channel
from ..errors import ValidationError
from ..models.account import Balance, Position
from ..models.orders import Order, UserTrade
from ..models.twaps import Twap
from ..protocol.trade.account import AccountState
from ..protocol.trade.fills import Mark, TradePages
from ..session.state import StateReader
from ..threads import Deadline

_ValueT = TypeVar("_ValueT")


class Account:
    """What the messages so far say of the account. All methods may be called from any thread.

    Parameters
    ----------
    state : AccountState
    reader : StateReader
        Reads it while nothing changes.
    """

    def __init__(self, state: AccountState, reader: StateReader) -> None:
        self._state = state
        self._reader = reader
        self.pause = reader.pause

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        return self._reader.is_closed

    def order(self, order_id: str) -> Order | None:
        """The newest state of an order, its replacements followed; None for one that was never seen."""
        return self._reader.read(lambda: self._state.orders.get(order_id))

    def seen_order(self, order: Order | str, argument: str = "order") -> Order:
        """The newest state of an order that the client has seen, or the `Order` that was passed.

        Raises
        ------
        ValidationError
            If only an id was given and the client never saw that order.
        """
        order_id = order.order_id if isinstance(order, Order) else text(order, argument)
        known = self.order(order_id)
        if known is not None:
            return known
        if isinstance(order, Order):
            return order
        raise ValidationError(argument, order, "is not an order that this client has seen; pass the Order")

    def current_id(self, order_id: str) -> str:
        """The id that an order has now."""
        return self._reader.read(lambda: self._state.orders.current_id(order_id))

    def has_seen(self, name: str) -> bool:
        """Whether an order is known by an order id or a client order id."""
        return self._reader.read(lambda: self._state.orders.has_seen(name))

    def may_be(self, order: Order, client_order_id: str) -> bool:
        """Whether an order with a client order id may be the one that was sent last with it, and not an older one."""

        def look() -> bool:
            sent = self._state.questions.unanswered_orders.get(client_order_id)
            return sent is None or sent.may_be(order)

        return self._reader.read(look)

    def remember(self, order: Order) -> None:
        """Follow an order that may not have been seen."""

        def note() -> None:
            if order.order_id not in self._state.orders:
                self._state.orders.remember(order)
                self._state.question(order.order_id, "a caller waits for an order that was not seen")

        self._reader.read(note)

    def open_orders(self) -> dict[str, Order]:
        """Orders known to be live, by order id. A copy."""
        return self._reader.read(lambda: self._state.orders.live)

    def list_orders_once(self, deadline: Deadline) -> None:
        """Have the list of live orders read, unless it was before, and wait for it."""
        state = self._state

        def want() -> bool:
            if not state.orders_listed:
                state.questions.want_list()
            return not state.orders_listed

        if self._reader.read(want):
            self._reader.wait_until(lambda: state.orders_listed, bool, deadline)

    def positions(self) -> dict[str, Position]:
        """The newest position of each symbol. A copy."""
        return self._reader.read(lambda: dict(self._state.positions))

    def balance(self) -> Balance | None:
        """The newest balance; None before the first."""
        return self._reader.read(lambda: self._state.balance)

    def positions_are_current(self) -> bool:
        """Whether all positions are known, and none is older than what was reported."""
        state = self._state
        return self._reader.read(lambda: state.positions_known and not state.freshness.stale_symbols())

    def balance_is_current(self) -> bool:
        """Whether the balance is known and not older than what was reported."""
        state = self._state
        return self._reader.read(lambda: state.balance is not None and not state.freshness.balance_is_stale)

    def wait_for_positions(self, deadline: Deadline) -> bool:
        """Wait until the channel has reported a position of every symbol that changed; whether it did in time."""
        state = self._state
        return self._reader.wait_until(
            lambda: bool(state.positions) and not state.freshness.stale_symbols(), bool, deadline
        )

    def wait_for_balance(self, deadline: Deadline) -> bool:
        """Wait until the channel has reported the balance since the last change; whether it did in time."""
        state = self._state
        return self._reader.wait_until(
            lambda: state.balance is not None and not state.freshness.balance_is_stale, bool, deadline
        )

    def note_pulse(self) -> None:
        """Note that the positions channel has reported every symbol once."""

        def note() -> None:
            self._state.positions_known = True

        self._reader.read(note)

    def mark(self) -> Mark:
        """What has been reported so far, for `take_snapshot`."""
        return self._reader.read(self._state.freshness.mark)

    def take_snapshot(self, mark: Mark, positions: dict[str, Position], balance: Balance) -> None:
        """Take positions and balance that were read after `mark`."""
        self._reader.read(lambda: self._state.take_snapshot(mark, positions, balance))

    def open_questions(self) -> int:
        """Number of orders whose state is being asked for."""
        return self._reader.read(lambda: len(self._state.questions))

    def twap(self, twap_id: str) -> Twap | None:
        """A TWAP that was seen, by its TWAP id."""
        return self._reader.read(lambda: self._state.twaps.get(twap_id))

    # --- what the user wants of every connection ---------------------------------------------------------------

    def wants(self, channel: Channel) -> bool:
        """Whether a channel is subscribed on every connection."""
        return self._reader.read(lambda: channel in self._state.channels)

    def want(self, channel: Channel) -> None:
        """Subscribe a channel on every connection from now on."""
        self._reader.read(lambda: self._state.channels.setdefault(channel))

    def is_in_force(self, channel: Channel) -> bool:
        """Whether the exchange has confirmed a channel on the connection in use."""
        return self._reader.read(lambda: channel in self._state.in_force)

    def knows_past_fills(self) -> bool:
        """Whether it is known what was traded before fills were subscribed."""
        return self._reader.read(lambda: self._state.fills.has_baseline)

    def add_past_fills(self, pages: TradePages, page: list[UserTrade]) -> None:
        """Add a page of the trade history; what was traded before is known when all of it was read."""

        def add() -> None:
            if page and not pages.offset:
                self._state.fills.note_beginning(page[0])
            if pages.add(page, self._state.fills):
                self._state.fills.set_baseline(pages.rows)

        self._reader.read(add)

    # --- waiting -----------------------------------------------------------------------------------------------

    def wait_for_order(self, order: Order, enough: Callable[[Order], object], deadline: Deadline) -> Order:
        """Wait until the state of an order is enough, or the time is up; its newest state."""
        return self._reader.wait_until(
            lambda: self._state.orders.get(order.order_id) or order, enough, deadline
        )

    def wait_for_live_ids(self, enough: Callable[[set[str]], object], deadline: Deadline) -> set[str]:
        """Wait until the ids of the live orders are enough, or the time is up; the newest ids."""
        return self._reader.wait_until(lambda: set(self._state.orders.live_ids()), enough, deadline)
