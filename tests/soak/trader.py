"""One thread of the soak, which mixes every command of the trade client and records the outcomes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal as D
from random import Random
from time import monotonic
from typing import Any

from qfex import CancelIdType, Channel, Order, OrderRequest, Position, TradeClient

PRICES = {"AAPL-USD": D(200), "GOLD-USD": D(4000)}
SIZES = {"AAPL-USD": D(1), "GOLD-USD": D("0.01")}

_MOST_LIVE = 6  # resting orders of a trader at a time
_TIMEOUTS = (0.3, 1.0, 2.0)  # seconds; short ones leave late replies behind


@dataclass
class CallRecord:
    """One call: its request, its outcome, and how long it took.

    Attributes
    ----------
    key : str
        The client order id, order id or client TWAP id of the call.
    request : dict
        The terms that the outcome must agree with.
    """

    command: str
    key: str
    request: dict[str, Any]
    timeout: float
    outcome: Any = None
    seconds: float = 0.0


@dataclass
class Trader:
    """A thread that trades for one client. `random` determines everything that it does."""

    name: str
    client: TradeClient
    random: Random
    records: list[CallRecord] = field(default_factory=list)
    _mine: list[Order] = field(default_factory=list)
    _number: int = 0

    def run(self, stop: threading.Event) -> None:
        """Trade until `stop` is set."""
        actions, weights = zip(*_ACTIONS, strict=True)
        while not stop.is_set():
            (action,) = self.random.choices(actions, weights)
            action(self)

    # --- records --------------------------------------------------------------------------------------------

    def call(self, command: str, key: str, work: Callable[[float], Any], **request: Any) -> Any:
        """Make a call with a random timeout. Return what it returned or raised."""
        record = CallRecord(command, key, request, self.random.choice(_TIMEOUTS))
        begun = monotonic()
        try:
            record.outcome = work(record.timeout)
        except Exception as error:
            record.outcome = error
        record.seconds = monotonic() - begun
        self.records.append(record)
        return record.outcome

    def _new_id(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number:06}"

    # --- orders ---------------------------------------------------------------------------------------------

    def _terms(self, resting: bool) -> dict[str, Any]:
        symbol = self.random.choice(list(PRICES))
        quantity = SIZES[symbol] * self.random.randint(1, 5)
        away = D(self.random.randint(50, 90)) / 100 if resting else None
        price = None if away is None else (PRICES[symbol] * away).quantize(D(1))
        side = "BUY" if resting else self.random.choice(["BUY", "SELL"])
        return {"symbol": symbol, "side": side, "quantity": quantity, "price": price}

    def _keep(self, outcome: Any) -> None:
        if isinstance(outcome, Order) and outcome.is_live and outcome.may_rest:
            self._mine.append(outcome)
        while len(self._mine) > _MOST_LIVE:
            self._cancel(self._mine.pop(0))

    def place(self, resting: bool = True, wait: bool = False) -> None:
        """Place an order and wait for its acknowledgement, or for its end."""
        key, terms = self._new_id(), self._terms(resting)

        def work(timeout: float) -> Order:
            return self.client.place_order(**terms, client_order_id=key, wait=wait, timeout=timeout)

        self._keep(self.call("add_order", key, work, **terms))

    def place_and_fill(self) -> None:
        """Place an order that trades at once, and perhaps wait until it is done."""
        self.place(resting=False, wait=self.random.random() < 0.5)

    def submit(self) -> None:
        """Submit an order and ask for its result more than once."""
        key, terms = self._new_id(), self._terms(resting=self.random.random() < 0.5)

        def work(timeout: float) -> Order:
            pending = self.client.submit_order(**terms, client_order_id=key, timeout=timeout)
            try:
                return pending.result(timeout / 4)
            except TimeoutError:
                return pending.result(timeout / 2)

        self._keep(self.call("add_order", key, work, **terms))

    def place_many(self) -> None:
        """Place three orders in one batch."""
        wanted = [(self._new_id(), self._terms(resting=True)) for _ in range(3)]
        requests = [OrderRequest(**terms, client_order_id=key) for key, terms in wanted]
        outcomes = self.call(
            "place_orders", "", lambda timeout: self.client.place_orders(requests, timeout=timeout)
        )
        if isinstance(outcomes, list):
            for (key, terms), outcome in zip(wanted, outcomes, strict=True):
                self.records.append(CallRecord("add_order", key, terms, 1.0, outcome))
                self._keep(outcome)

    def modify(self) -> None:
        """Give a resting order another price and size."""
        if not self._mine:
            return
        order = self._mine.pop(0)
        change = {"price": order.price - self.random.randint(1, 20), "quantity": order.quantity * 2}
        outcome = self.call(
            "modify_order",
            order.order_id,
            lambda timeout: self.client.modify_order(order, **change, timeout=timeout),
            client_order_id=order.client_order_id,
            **change,
        )
        self._keep(outcome if isinstance(outcome, Order) else order)

    def cancel(self) -> None:
        """Cancel one of the resting orders."""
        if self._mine:
            self._cancel(self._mine.pop())

    def _cancel(self, order: Order) -> None:
        kind = self.random.choice([CancelIdType.ORDER_ID, CancelIdType.CLIENT_ORDER_ID])
        self.call(
            "cancel_order",
            order.order_id,
            lambda timeout: self.client.cancel_order(order, id_type=kind, timeout=timeout),
            client_order_id=order.client_order_id,
        )

    def cancel_all(self) -> None:
        """Cancel all orders of the account, those of other traders too."""
        self.call("cancel_all_orders", "", lambda timeout: self.client.cancel_all_orders(timeout=timeout))
        self._mine.clear()

    def close_position(self) -> None:
        """Close a position, if there is one."""
        key, symbol = self._new_id(), self.random.choice(list(PRICES))

        def work(timeout: float) -> Order:
            return self.client.close_position(symbol, client_order_id=key, timeout=timeout)

        self.call("close_position", key, work, symbol=symbol)

    def wait_for_end(self) -> None:
        """Wait for the end of an order that rests."""
        if self._mine:
            order = self._mine[0]
            self.call(
                "wait",
                order.order_id,
                lambda timeout: self.client.wait_until_done(order, timeout=timeout / 4),
                client_order_id=order.client_order_id,
            )

    # --- stops and TWAPs ------------------------------------------------------------------------------------

    def stop_order(self) -> None:
        """Place a stop, modify it and cancel it. Many are refused, since they may not exceed the position."""
        key, symbol = self._new_id(), self.random.choice(list(PRICES))
        # The documented reply to a stop has no client order id: two sessions of one account must place different ones.
        away = D("0.8") if self.name < "b" else D("0.7")
        size, price = SIZES[symbol], (PRICES[symbol] * away).quantize(D(1))

        def work(timeout: float) -> Order:
            return self.client.place_stop_order(
                symbol, "SELL", "STOP_LOSS", size, price, client_order_id=key, timeout=timeout
            )

        stop = self.call("add_stop", key, work, symbol=symbol, side="SELL", quantity=size)
        if isinstance(stop, Order):
            self._change_stop(stop, size, price - self.random.randint(1, 9))

    def _change_stop(self, stop: Order, size: D, price: D) -> None:
        def modify(timeout: float) -> Order | None:
            return self.client.modify_stop_order(
                stop, trigger_price=price, quantity=size, symbol=stop.symbol, timeout=timeout
            )

        self.call("modify_stop_order", stop.order_id, modify)
        self.call(
            "cancel_stop_order",
            stop.order_id,
            lambda timeout: self.client.cancel_stop_order(stop, timeout=timeout),
        )

    def twap(self) -> None:
        """Start a TWAP and cancel it."""
        key, symbol = self._new_id(), self.random.choice(list(PRICES))

        def work(timeout: float) -> Any:
            return self.client.add_twap(
                symbol, "BUY", SIZES[symbol] * 4, 2, 3600, client_twap_id=key, timeout=timeout
            )

        self.call("add_twap", key, work, symbol=symbol)
        self.call(
            "cancel_twap", key, lambda timeout: self.client.cancel_twap(key, symbol=symbol, timeout=timeout)
        )

    # --- reads and settings ---------------------------------------------------------------------------------

    def get_order(self) -> None:
        """Ask for an order of this trader, open or not."""
        placed = [each for each in self.records[-50:] if each.command == "add_order"]
        if placed:
            order = self.random.choice(placed)
            self.call(
                "get_order",
                order.key,
                lambda timeout: self.client.get_order(order.request["symbol"], order.key, timeout=timeout),
            )

    def get_user_orders(self) -> None:
        """Ask for a page of orders of one symbol."""
        asked = {"symbol": self.random.choice(list(PRICES)), "limit": self.random.randint(1, 20)}
        self.call(
            "get_user_orders",
            "",
            lambda timeout: self.client.get_user_orders(**asked, timeout=timeout),
            **asked,
        )

    def get_user_trades(self) -> None:
        """Ask for a page of trades, of all orders or of one."""
        orders = [each.outcome for each in self.records[-50:] if isinstance(each.outcome, Order)]
        order = self.random.choice([None, *orders])
        asked = {"limit": self.random.randint(1, 20), "order_id": order and order.order_id}
        self.call(
            "get_user_trades",
            "",
            lambda timeout: self.client.get_user_trades(**asked, timeout=timeout),
            **asked,
        )

    def leverage(self) -> None:
        """Read and set leverage. Setting it is refused while there are orders."""
        symbol, client = self.random.choice(list(PRICES)), self.client
        self.call("get_leverage", "", lambda timeout: client.get_leverage(timeout=timeout))
        self.call(
            "get_available", "", lambda timeout: client.get_available_leverage(limit=2, timeout=timeout)
        )
        self.call("set_leverage", "", lambda timeout: client.set_leverage(symbol, 10, timeout=timeout))

    def channels(self) -> None:
        """Subscribe, read a stream for a moment, and unsubscribe."""
        channel, client = Channel.POSITIONS, self.client
        self.call("subscribe", "", lambda timeout: client.subscribe(channel, timeout=timeout))
        with client.stream(Channel.CONNECTION) as stream:
            self.call("stream", "", lambda timeout: stream.get(timeout=0.01))
        self.call("unsubscribe", "", lambda timeout: client.unsubscribe(channel, timeout=timeout))

    def look(self) -> None:
        """Read the state that needs no message."""
        held: dict[str, Position] = self.client.positions
        assert all(symbol == position.symbol for symbol, position in held.items())
        self.client.stats()


_ACTIONS: list[tuple[Callable[[Trader], None], int]] = [
    (Trader.place, 20),
    (Trader.place_and_fill, 20),
    (Trader.submit, 10),
    (Trader.place_many, 5),
    (Trader.modify, 15),
    (Trader.cancel, 15),
    (Trader.cancel_all, 1),
    (Trader.close_position, 2),
    (Trader.wait_for_end, 2),
    (Trader.stop_order, 5),
    (Trader.twap, 3),
    (Trader.get_order, 10),
    (Trader.get_user_orders, 8),
    (Trader.get_user_trades, 8),
    (Trader.leverage, 3),
    (Trader.channels, 2),
    (Trader.look, 3),
]
