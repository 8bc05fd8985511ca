"""A thread that trades through a client of ours, at random."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from decimal import Decimal
from time import monotonic
from typing import Any

from qfex import CancelIdType, Order, OrderRequest

from .market import SYMBOLS
from .participant import Call, Participant

_RATE = 12.0  # calls of a thread per second
_HUNDREDTH = Decimal("0.01")


class Trader:
    """One thread of a participant.

    Parameters
    ----------
    participant : Participant
    number : int
        Decides its prices, which no other thread of the history uses.
    seed : str
    """

    def __init__(self, participant: Participant, number: int, seed: str) -> None:
        self._self = participant
        self._client = participant.client
        self._random = random.Random(seed)
        self._name = f"{participant.name}{number}"
        self._numbers = itertools.count(1)
        self._base = Decimal(100 + 20 * number)
        self._fraction = 0.0
        self._symbol = SYMBOLS[0]

    def run(self, stop: threading.Event) -> None:
        """Make calls until the end."""
        steps, weights = zip(*_STEPS.items(), strict=True)
        while not stop.wait(self._random.expovariate(_RATE)):
            (step,) = self._random.choices(steps, weights)
            self._fraction, self._symbol = self._random.random(), self._random.choice(SYMBOLS)
            getattr(self, step)()

    # --- helpers -----------------------------------------------------------------------------------------------

    def _call(self, command: str, work: Callable[[], Any], key: str = "", **asked: Any) -> Any:
        return self._self.record(Call(self._self.name, command, key, asked), work)

    def _new_price(self) -> Decimal:
        return self._base + next(self._numbers) * _HUNDREDTH

    def _new_id(self) -> str:
        return f"{self._name}-{next(self._numbers)}"

    def _terms(self) -> dict[str, Any]:
        side = "BUY" if self._fraction < 0.5 else "SELL"
        return {"symbol": self._symbol, "side": side, "quantity": Decimal("0.3"), "price": self._new_price()}

    def _pick(self, stops: bool = False) -> Order | None:
        orders = [order for order in self._client.open_orders.values() if order.order_type.is_stop is stops]
        orders.sort(key=lambda order: order.order_id)
        return orders[int(self._fraction * len(orders))] if orders else None

    # --- placing -----------------------------------------------------------------------------------------------

    def place(self) -> None:
        named, terms = self._new_id(), self._terms()
        self._call("place", lambda: self._client.place_order(**terms, client_order_id=named), named, **terms)

    def place_again(self) -> None:
        """Place an order with a client order id that was used before, where the history has that."""
        if not self._self.venue.options.disturbances.reused:
            return self.place()
        terms = {**self._terms(), "symbol": SYMBOLS[0]}
        named = f"{self._name}-again"
        self._call("place", lambda: self._client.place_order(**terms, client_order_id=named), named, **terms)
        return None

    def place_ioc(self) -> None:
        named, terms = self._new_id(), {**self._terms(), "time_in_force": "IOC"}
        wait = self._fraction < 0.3
        self._call(
            "place",
            lambda: self._client.place_order(**terms, client_order_id=named, wait=wait),
            named,
            **terms,
        )

    def submit(self) -> None:
        named, terms = self._new_id(), self._terms()
        self._call(
            "place",
            lambda: self._client.submit_order(**terms, client_order_id=named).result(),
            named,
            **terms,
        )

    def place_several(self) -> None:
        requests = [OrderRequest(**self._terms(), client_order_id=self._new_id()) for _ in range(3)]
        begun = monotonic()
        for request, outcome in zip(requests, self._client.place_orders(requests), strict=True):
            terms = {"symbol": request.symbol, "price": request.price}
            call = Call(self._self.name, "place", request.client_order_id or "", terms, begun=begun)
            self._self.record(call, lambda outcome=outcome: outcome)  # type: ignore[misc]

    def place_stop(self) -> None:
        named, price = self._new_id(), self._new_price()
        terms = {"symbol": self._symbol, "price": price}
        self._call(
            "place",
            lambda: self._client.place_stop_order(
                self._symbol, "SELL", "STOP_LOSS", Decimal("0.2"), price, client_order_id=named
            ),
            named,
            **terms,
        )

    def close(self) -> None:
        named = self._new_id()
        self._call(
            "place",
            lambda: self._client.close_position(self._symbol, client_order_id=named),
            named,
            symbol=self._symbol,
        )

    # --- changing ----------------------------------------------------------------------------------------------

    def modify(self) -> None:
        order, price = self._pick(), self._new_price()
        if order is not None:
            self._call(
                "modify",
                lambda: self._client.modify_order(order, price=price),
                order_id=order.order_id,
                price=price,
            )

    def modify_stop(self) -> None:
        order, price = self._pick(stops=True), self._new_price()
        if order is not None:
            self._call(
                "modify stop",
                lambda: self._client.modify_stop_order(order, trigger_price=price, quantity=order.quantity),
                order_id=order.order_id,
                price=price,
            )

    def cancel(self) -> None:
        order = self._pick()
        if order is not None:
            self._call("cancel", lambda: self._client.cancel_order(order), order_id=order.order_id)

    def cancel_by_name(self) -> None:
        order = self._pick()
        if order is not None and order.client_order_id:
            self._call(
                "cancel",
                lambda: self._client.cancel_order(
                    order.client_order_id, symbol=order.symbol, id_type=CancelIdType.CLIENT_ORDER_ID
                ),
                order_id=order.order_id,
            )

    def cancel_stop(self) -> None:
        order = self._pick(stops=True)
        if order is not None:
            self._call("cancel stop", lambda: self._client.cancel_stop_order(order), order_id=order.order_id)

    def cancel_all(self) -> None:
        self._call("cancel all", lambda: self._client.cancel_all_orders())

    # --- asking ------------------------------------------------------------------------------------------------

    def wait(self) -> None:
        order = self._pick()
        if order is not None:
            self._call("wait", lambda: self._client.wait_until_done(order, 0.4), order_id=order.order_id)

    def query(self) -> None:
        order = self._pick()
        if order is not None:
            name = order.client_order_id if self._fraction < 0.3 and order.client_order_id else order.order_id
            self._call("query", lambda: self._client.get_order(order.symbol, name), order_id=order.order_id)

    def list_orders(self) -> None:
        self._call("list", lambda: self._client.get_user_orders())

    def go_through_orders(self) -> None:
        size = 3 if self._self.venue.options.disturbances.paged else 1000
        self._call("iterate", lambda: list(self._client.iter_user_orders(page_size=size)))

    def list_trades(self) -> None:
        self._call("trades", lambda: self._client.get_user_trades(limit=20))

    def list_leverage(self) -> None:
        self._call("leverage", lambda: self._client.get_leverage())


_STEPS: dict[str, int] = {
    "place": 26,
    "place_again": 5,
    "place_ioc": 8,
    "submit": 6,
    "place_several": 5,
    "place_stop": 6,
    "close": 2,
    "modify": 16,
    "modify_stop": 4,
    "cancel": 10,
    "cancel_by_name": 4,
    "cancel_stop": 3,
    "cancel_all": 1,
    "wait": 8,
    "query": 6,
    "list_orders": 3,
    "go_through_orders": 3,
    "list_trades": 3,
    "list_leverage": 2,
}
