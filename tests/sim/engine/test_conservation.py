"""In random sessions with all features enabled, no money is lost or created, and no book is crossed."""

from __future__ import annotations

import contextlib
from decimal import Context, localcontext
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfex.sim.engine import Exchange, OrderChanged, Refused, Side, StopChanged, TwapEntry

from .helpers import AAPL, NOON, EngineHarness

# Events that the random flow must cause to be a useful test.
WANTED = {"FundingPaid", "Liquidated", "TRIGGERED", "FILLED", "CANCELLED", "FAILED_MARGIN_CHECK"}
KRW = "SKHYNIX-KRW"
SIDES: list[Side] = ["BUY", "SELL"]
TYPES = [("LIMIT", "GTC")] * 3 + [("LIMIT", "IOC"), ("LIMIT", "FOK"), ("MARKET", "IOC"), ("ALO", "GTC")]
ACTIONS = ["order"] * 6 + ["gamble", "stop", "cancel", "move", "move", "wait", "twap", "fund"]
DEPOSITS = [D(200), D(2_000), D(20_000), D(100_000), D(1_000_000)]

# More digits than any account can have, so that the sums are not rounded.
EXACT = Context(prec=100)


def total_money(exchange: Exchange) -> D:
    """Return all cash, fees and profit, including those of house accounts."""
    venue = exchange._venue
    with localcontext(EXACT):
        total = venue.fees_collected
        for account in venue.accounts.values():
            total += account.deposit - account.fees
            for position in account.positions.values():
                held = position.quantity * position.market.mark - position.cost
                total += position.realised + position.funding + held
    return total


def check_sums(exchange: Exchange, deposited: D) -> None:
    """Check that positions net to zero and every cent is accounted for."""
    venue = exchange._venue
    assert total_money(exchange) == deposited
    for symbol, market in venue.markets.items():
        held = [a.positions[symbol].quantity for a in venue.accounts.values() if symbol in a.positions]
        assert sum(held, D(0)) == 0
        assert sum((quantity for quantity in held if quantity > 0), D(0)) == market.long_quantity
        holders = [
            key for key, a in venue.accounts.items() if symbol in a.positions and a.positions[symbol].quantity
        ]
        assert sorted(market.holders) == sorted(holders)


def check_books(exchange: Exchange) -> None:
    """Check that no book is crossed, every level is the sum of its orders, and accounts have these orders."""
    for symbol, market in exchange._venue.markets.items():
        bids, asks = exchange.book(symbol, 1)
        assert not (bids and asks) or bids[0][0] < asks[0][0]
        for side in (market.book.bids, market.book.asks):
            for level in side.levels():
                assert level.quantity == sum((order.remaining for order in level.orders.values()), D(0)) > 0
            for order in side.orders():
                assert order.account.orders[order.order_id] is order


def check_accounts(exchange: Exchange) -> None:
    """Check margins, counts and stops of every account against its orders and positions."""
    for account in exchange._venue.accounts.values():
        if account.house:
            continue
        row = exchange.balance(account.account_id)
        assert row.available_balance + row.order_margin + row.position_margin == account.equity
        assert row.order_margin == sum((p.order_margin for p in account.positions.values()), D(0))
        for symbol, position in account.positions.items():
            live = [order for order in account.orders.values() if order.market.symbol == symbol]
            assert position.order_count == len(live)
            assert position.order_quantity == sum((order.remaining for order in live), D(0))
            assert position.order_margin == position.needed_order_margin()
            check_stops(account, position)


def check_stops(account: Any, position: Any) -> None:
    """Check that stops of one type never exceed the position that they close."""
    for kind in ("TAKE_PROFIT", "STOP_LOSS"):
        for side in ("BUY", "SELL"):
            stops = [
                stop.quantity
                for stop in account.stops.values()
                if stop.market is position.market and stop.order_type == kind and stop.side == side
            ]
            assert sum(stops, D(0)) <= position.reducible(side)


class Flow:
    """A random session; each method takes one step."""

    def __init__(self, seed: int) -> None:
        self.harness = EngineHarness(
            AAPL, KRW, seed=seed, liquidity=True, price_path="gapping", start=NOON - 60
        )
        self.exchange = self.harness.exchange
        self.accounts = [self.exchange.create_account(amount) for amount in DEPOSITS]
        self.deposited = sum(DEPOSITS, D(0)) + 2 * D(100_000)

    def step(self, rng: Random) -> None:
        """Take one random step."""
        account = rng.choice(self.accounts)
        action = getattr(self, rng.choice(ACTIONS))
        with contextlib.suppress(Refused):
            action(rng, account)

    def mark(self, symbol: str) -> D:
        """Return the mark price on the tick grid."""
        return self.exchange.instruments[symbol].round_price(self.exchange.mark_price(symbol))

    def order(self, rng: Random, account: str) -> None:
        """Send an order near the mark price."""
        symbol = rng.choice([AAPL, AAPL, KRW])
        instrument = self.exchange.instruments[symbol]
        kind, tif = rng.choice(TYPES)
        side = rng.choice(SIDES)
        step = instrument.tick_size * rng.choice([1, 10]) * (1 if side == "BUY" else -1)
        price = self.mark(symbol) + rng.randint(-20, 20) * step
        entry: Any = {
            "quantity": instrument.min_quantity * rng.randint(1, 60) * rng.choice([1, 30, 1000]),
            "price": 0 if kind == "MARKET" else price,
            "take_profit": rng.choice([None, price + 100 * step]),
            "stop_loss": rng.choice([None, price - 100 * step]),
            "reduce_only": rng.choice([False] * 4 + [True]),
        }
        self.harness.order(account, side, order_type=kind, tif=tif, symbol=symbol, **entry)

    def gamble(self, rng: Random, account: str) -> None:
        """Send an order that uses almost all available money."""
        free = max(self.exchange.balance(account).available_balance, D(0)) * 9 / self.mark(AAPL)
        quantity: Any = self.exchange.instruments[AAPL].floor_quantity(free)
        self.harness.market(account, rng.choice(SIDES), quantity)

    def stop(self, rng: Random, account: str) -> None:
        """Send a stop for part of the position."""
        held = self.harness.position(account)
        instrument = self.exchange.instruments[AAPL]
        entry: Any = {
            "side": "SELL" if held > 0 else "BUY",
            "quantity": instrument.floor_quantity(abs(held) / rng.randint(1, 3)),
            "price": self.mark(AAPL) + D(rng.randint(-30, 30)) / 10,
            "order_type": rng.choice(["TAKE_PROFIT", "STOP_LOSS"]),
        }
        self.harness.order(account, **entry)

    def cancel(self, rng: Random, account: str) -> None:
        """Cancel one order or all of them."""
        for row in self.exchange.open_orders(account)[:1]:
            self.exchange.cancel_order(account, row.symbol, "order_id", row.order_id)
        if rng.randint(0, 5) == 0:
            self.exchange.cancel_all_orders(account)

    def move(self, rng: Random, account: str) -> None:
        """Move the mark price by up to a tenth."""
        symbol = rng.choice([AAPL, KRW])
        price = self.exchange.mark_price(symbol) * rng.randint(900, 1100) / 1000
        self.exchange.set_mark_price(symbol, self.exchange.instruments[symbol].round_price(price))

    def wait(self, rng: Random, account: str) -> None:
        """Let some seconds pass."""
        self.exchange.advance(rng.randint(1, 40))

    def twap(self, rng: Random, account: str) -> None:
        """Start a TWAP."""
        side = rng.choice(SIDES)
        self.exchange.add_twap(account, TwapEntry(AAPL, side, D(2), 3, 30))

    def fund(self, rng: Random, account: str) -> None:
        """Set a funding rate that leaves rounding digits; funding is paid a minute after the start."""
        self.exchange.set_funding_rate(AAPL, D(rng.randint(-500_000, 500_000)) / 10**9)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_books_balance_and_never_cross(rng: Random) -> None:
    flow = Flow(rng.randint(0, 3))
    for _ in range(rng.randint(20, 60)):
        flow.step(rng)
        check_sums(flow.exchange, flow.deposited)
        check_books(flow.exchange)
        check_accounts(flow.exchange)


def test_the_random_flow_covers_the_interesting_cases() -> None:
    """Check the flow itself: stops trigger, funding is paid, accounts are liquidated."""
    flow, rng = Flow(0), Random(0)
    for _ in range(1000):
        flow.step(rng)
    check_sums(flow.exchange, flow.deposited)
    seen = {type(event).__name__ for event in flow.harness.events}
    seen |= {event.order.status for event in flow.harness.of_type(OrderChanged)}
    seen |= {event.stop.status for event in flow.harness.of_type(StopChanged)}
    assert seen >= WANTED
