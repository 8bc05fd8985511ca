"""A harness for the engine: one exchange, two accounts, and the events that it emitted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any, TypeVar

from qfex.sim.engine import (
    Event,
    Exchange,
    Filled,
    FillRow,
    Instrument,
    OrderChanged,
    OrderEntry,
    OrderRow,
    Rules,
    load_instruments,
)

AAPL = "AAPL-USD"
# A Tuesday noon in New York.
NOON = 1_791_302_400.0
E = TypeVar("E", bound=Event)


class EngineHarness:
    """An exchange without a market maker, with two funded accounts; `events` holds every event."""

    def __init__(self, *symbols: str, rules: Rules | None = None, **options: Any) -> None:
        options = {"liquidity": False, "start": NOON, **options}
        instruments = [plain(instrument) for instrument in load_instruments(symbols or (AAPL,))]
        self.exchange = Exchange(instruments, rules=rules or Rules(), **options)
        self.events: list[Event] = []
        self.exchange.listen(self.events.append)
        self.alice = self.exchange.create_account()
        self.bob = self.exchange.create_account()

    def order(
        self,
        account: str,
        side: str,
        quantity: str | int,
        price: str | int = 0,
        order_type: str = "LIMIT",
        tif: str = "GTC",
        symbol: str = AAPL,
        take_profit: str | int | None = None,
        stop_loss: str | int | None = None,
        reduce_only: bool = False,
        client_order_id: str = "",
    ) -> OrderRow:
        """Send an order, by default a LIMIT GTC of AAPL-USD, whose mark price is 200."""
        entry: Any = OrderEntry(
            symbol=symbol,
            side=side,  # type: ignore[arg-type]
            order_type=order_type,  # type: ignore[arg-type]
            time_in_force=tif,  # type: ignore[arg-type]
            quantity=D(quantity),
            price=D(price),
            take_profit=None if take_profit is None else D(take_profit),
            stop_loss=None if stop_loss is None else D(stop_loss),
            reduce_only=reduce_only,
            client_order_id=client_order_id,
        )
        return self.exchange.add_order(account, entry)

    def buy(self, account: str, quantity: str | int, price: str | int = 0, **terms: Any) -> OrderRow:
        """Send a purchase."""
        return self.order(account, "BUY", quantity, price, **terms)

    def sell(self, account: str, quantity: str | int, price: str | int = 0, **terms: Any) -> OrderRow:
        """Send a sale."""
        return self.order(account, "SELL", quantity, price, **terms)

    def market(self, account: str, side: str, quantity: str | int, **terms: Any) -> OrderRow:
        """Send a MARKET order."""
        return self.order(account, side, quantity, order_type="MARKET", tif="IOC", **terms)

    def modify(self, account: str, row: OrderRow, **terms: Any) -> OrderRow:
        """Modify an order; terms that are not given stay as they are."""
        order_id = terms.pop("order_id", row.order_id)
        wanted = {
            "symbol": row.symbol,
            "side": row.side,
            "order_type": row.order_type,
            "price": row.price,
            "quantity": row.quantity,
            "take_profit": row.take_profit,
            "stop_loss": row.stop_loss,
            "reduce_only": row.reduce_only,
            **terms,
        }
        for name in ("price", "quantity"):
            wanted[name] = D(wanted[name])
        return self.exchange.modify_order(account, order_id, OrderEntry(time_in_force="GTC", **wanted))

    def hold(self, account: str, side: str, quantity: str | int, price: str | int = 200) -> None:
        """Give an account a position by trading with a counterparty of its own."""
        other = self.exchange.create_account(D(10_000_000))
        self.order(other, "SELL" if side == "BUY" else "BUY", quantity, price)
        self.order(account, side, quantity, price)

    def position(self, account: str, symbol: str = AAPL) -> D:
        """Return the signed quantity of a position."""
        return self.exchange.position(account, symbol).position

    def of_type(self, kind: type[E]) -> list[E]:
        """Return the events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def statuses(self, account: str, order_id: str | None = None) -> list[str]:
        """Return the statuses in an account's order events, of one order or of all."""
        rows = [event.order for event in self.of_type(OrderChanged) if event.account_id == account]
        return [row.status for row in rows if order_id in (None, row.order_id)]

    def fills(self, account: str) -> list[FillRow]:
        """Return an account's fills."""
        return [event.fill for event in self.of_type(Filled) if event.account_id == account]

    def open_ids(self, account: str) -> list[str]:
        """Return the ids of open orders and stops."""
        return [row.order_id for row in self.exchange.open_orders(account)]


def plain(instrument: Instrument) -> Instrument:
    """Return AAPL-USD with index price 200 and a band of 10 %; other instruments unchanged."""
    if instrument.symbol != AAPL:
        return instrument
    return replace(instrument, index_price=D(200), band_width=D("0.1"))
