"""The demo: real orders over real sockets, on an exchange in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..client import TradeClient
from ..enums import Channel, ConnectionState
from ..environment import Environment
from ..models.orders import Order
from ..models.twaps import Twap
from ..policies import ReconnectPolicy
from ..session.streams import Stream
from ..sim import Simulator
from .screen import Screen

SYMBOL = "AAPL-USD"
MARK = Decimal("180.00")
PATIENCE = 10.0  # longest wait for an event, in seconds

#: A program for another process, which is killed after the program has placed its order.
_PROGRAM = """
import sys
from qfex import TradeClient
with TradeClient.from_env(cancel_on_disconnect=True) as client:
    client.place_order(sys.argv[1], "BUY", "1", sys.argv[2])
    print("ready", flush=True)
    sys.stdin.read()
"""


def main() -> int:
    """Run the demo and return its exit code."""
    screen = Screen()
    with Simulator() as sim:
        sim.set_mark_price(SYMBOL, MARK)
        client = TradeClient(
            sim.environment,
            sim.credentials,
            reconnect=ReconnectPolicy(initial_delay=0.2),
            request_timeout=PATIENCE,
        )
        with client.stream(Channel.CONNECTION) as connection:
            Tour(screen, sim, client, connection).run()
    screen.console.print("\n[bold green]Done.[/bold green] Next: samples/quickstart.py, then the README.")
    return 0


class Tour:
    """The scenes of the demo."""

    def __init__(self, screen: Screen, sim: Simulator, client: TradeClient, connection: Stream[Any]) -> None:
        self._screen = screen
        self._sim = sim
        self._client = client
        self._connection = connection

    def run(self) -> None:
        """Run all scenes in order."""
        self._screen.scene("Connect and authenticate")
        self._screen.sent(f"TradeClient({self._sim.environment.trade_url})")
        with self._client as client:
            self._show_until(self._connection, lambda event: event.state is ConnectionState.READY)
            client.subscribe(Channel.POSITIONS, Channel.BALANCES)
            with client.stream(Channel.ORDERS) as orders:
                self._limit_order(client, orders)
                self._market_order(client, orders)
                self._stops(client, orders)
            self._twap(client)
            self._reconnect(client)
            with client.stream(Channel.ORDERS) as orders:
                self._cancel_on_disconnect(orders)
            self._account(client)

    # --- the scenes --------------------------------------------------------------------------------------------

    def _limit_order(self, client: TradeClient, orders: Stream[Any]) -> None:
        self._screen.scene("A limit order rests, is modified, and is cancelled")
        price = _cents(MARK * Decimal("0.98"))
        self._screen.sent(f'place_order("{SYMBOL}", "BUY", "0.5", "{price}")')
        order = client.place_order(SYMBOL, "BUY", "0.5", price)
        self._show_until(orders, _is(order))
        self._screen.sent("modify_order(order, price=..., quantity=...): the exchange gives it a new id")
        order = client.modify_order(order, price=_cents(MARK * Decimal("0.985")), quantity="0.75")
        self._show_until(orders, _is(order))
        self._screen.sent("cancel_order(order)")
        self._show_until(orders, _is(client.cancel_order(order)))

    def _market_order(self, client: TradeClient, orders: Stream[Any]) -> None:
        self._screen.scene("A market order fills")
        self._screen.sent(f'place_order("{SYMBOL}", "BUY", "2", wait=True)')
        with client.stream(Channel.FILLS) as fills:
            order = client.place_order(SYMBOL, "BUY", "2", wait=True)
            self._show_until(orders, _is(order))
            self._screen.event(fills.get(PATIENCE))

    def _stops(self, client: TradeClient, orders: Stream[Any]) -> None:
        self._screen.scene("A take-profit and a stop-loss; the mark price moves and one of them fires")
        levels = {"TAKE_PROFIT": _cents(MARK * Decimal("1.03")), "STOP_LOSS": _cents(MARK * Decimal("0.98"))}
        for kind, trigger in levels.items():
            self._screen.sent(f'place_stop_order("{SYMBOL}", "SELL", "{kind}", "1", "{trigger}")')
            stop = client.place_stop_order(SYMBOL, "SELL", kind, "1", trigger)
            self._show_until(orders, _is(stop))
        new_mark = levels["STOP_LOSS"] - 1
        self._screen.note(f"the mark price moves from {MARK} to {new_mark}")
        self._sim.set_mark_price(SYMBOL, new_mark)
        self._show_until(orders, lambda event: event.side == "SELL" and event.status == "FILLED")
        self._screen.note("STOP fired: sold at the market")

    def _twap(self, client: TradeClient) -> None:
        self._screen.scene("A TWAP runs to its end (the simulated clock is moved forward)")
        self._screen.sent(f'add_twap("{SYMBOL}", "BUY", "1.2", num_orders=6, order_interval_secs=30)')
        twap = client.add_twap(SYMBOL, "BUY", "1.2", 6, 30)
        with self._screen.twap_bar(twap) as bar:

            def show(newest: Twap) -> None:
                done = newest.filled_quantity * newest.total_num_orders / newest.total_quantity
                price = f"{newest.average_fill_price:.2f}"
                bar.update(
                    bar.task_ids[0], completed=int(done), filled=f"{newest.filled_quantity:f}", price=price
                )
                self._sim.advance(30)

            show(twap)
            twap = client.wait_until_twap_done(twap, timeout=30, on_progress=show)
        self._screen.note(f"TWAP ended: {twap.filled_quantity} of {twap.total_quantity} FILLED")

    def _reconnect(self, client: TradeClient) -> None:
        self._screen.scene("The connection is lost and restored")
        self._screen.note("the exchange drops the connection")
        self._sim.faults.drop_now(reset=True)
        self._show_until(self._connection, lambda event: event.state is ConnectionState.READY)
        self._screen.sent("place_order and cancel_order, on the new connection")
        order = client.place_order(SYMBOL, "SELL", "0.5", _cents(MARK * Decimal("1.02")))
        self._screen.event(order)
        self._screen.event(client.cancel_order(order))
        self._screen.note(f"reconnects: {client.stats().reconnects}")

    def _cancel_on_disconnect(self, orders: Stream[Any]) -> None:
        self._screen.scene("Cancel-on-disconnect: a program is killed and the exchange cancels its order")
        price = _cents(MARK * Decimal("0.96"))
        self._screen.sent("another process arms cancel-on-disconnect, places an order, and is killed")
        with _start_program(self._sim, price) as process:
            assert process.stdout is not None
            process.stdout.readline()
            self._show_until(orders, lambda event: event.status == "ACK" and event.price == price)
            process.kill()
            self._show_until(orders, lambda event: event.status == "CANCELLED" and event.price == price)

    def _account(self, client: TradeClient) -> None:
        self._screen.scene("Positions and balance")
        with client.stream(Channel.BALANCES) as balances:
            balances.get(PATIENCE)  # the update after the last trade
        self._screen.account(client)

    # --- helpers -----------------------------------------------------------------------------------------------

    def _show_until(self, stream: Stream[Any], wanted: Callable[[Any], bool]) -> Any:
        """Show events until one meets a condition, and return it."""
        while True:
            event = stream.get(PATIENCE)
            self._screen.event(event)
            if wanted(event):
                return event


def _is(order: Order) -> Callable[[Order], bool]:
    """Return a condition for the event with the id and the status of an order."""
    return lambda event: (event.order_id, event.status) == (order.order_id, order.status)


def _cents(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _start_program(sim: Simulator, price: Decimal) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, SYMBOL, str(price)],
        env={**os.environ, **_variables(sim.environment, sim)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _variables(environment: Environment, sim: Simulator) -> dict[str, str]:
    return {
        "QFEX_TRADE_URL": environment.trade_url,
        "QFEX_MDS_URL": environment.market_data_url,
        "QFEX_REST_URL": environment.rest_url,
        "QFEX_PUBLIC_KEY": sim.credentials.public_key,
        "QFEX_SECRET_KEY": sim.credentials.secret_key,
    }
