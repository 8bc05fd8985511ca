"""``python -m qfex.demo.market``: a live order book and candles from the simulator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from time import monotonic

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..enums import CandleInterval, MarketChannel
from ..market_data import MarketDataClient
from ..models.market import Candle, OrderBook
from ..rest import RestClient
from ..sim import Simulator
from .charts import book_ladder, candle_chart

SYMBOL = "AAPL-USD"
_SPEED = 60.0  # simulated seconds per real second: a one-minute candle takes a second
_DEPTH = 6
_CANDLES = 60
_LADDER_WIDTH = 62  # including the space before it


class MarketView:
    """Order book and candles of one symbol, updated by the events of a client."""

    def __init__(self, console: Console, book: OrderBook, history: Sequence[Candle]) -> None:
        self._console = console
        self._book = book
        self._candles = {candle.start: candle for candle in history[-_CANDLES:]}

    def take(self, event: object) -> None:
        """Update the view with an event."""
        if isinstance(event, OrderBook):
            self._book = event
        elif isinstance(event, Candle):
            self._candles[event.start] = event
            while len(self._candles) > _CANDLES:
                del self._candles[min(self._candles)]

    def __rich__(self) -> Group:
        candles = [self._candles[start] for start in sorted(self._candles)]
        last = candles[-1]
        title = Text(f"{last.symbol}  {last.close}  {last.start:%H:%M} UTC", style="bold")
        width = max(18, min(2 * _CANDLES + 12, self._console.width - _LADDER_WIDTH))
        side_by_side = Table.grid(padding=(0, 3))
        side_by_side.add_row(candle_chart(candles, width, 2 * _DEPTH + 2), book_ladder(self._book, _DEPTH))
        return Group(title, side_by_side)


def run(seconds: float, console: Console) -> MarketView:
    """Show the market for some seconds or until Ctrl-C, and return the view."""
    with (
        Simulator(symbols=[SYMBOL], price_path="trending", speed=_SPEED) as sim,
        RestClient(sim.environment) as rest,
        MarketDataClient(sim.environment) as data,
        data.stream(MarketChannel.LEVEL2, MarketChannel.CANDLE) as events,
    ):
        now = datetime.fromtimestamp(sim.now, timezone.utc)
        history = rest.candles(SYMBOL, CandleInterval.ONE_MINUTE, now - timedelta(hours=1), now)
        data.subscribe(MarketChannel.CANDLE, SYMBOL, CandleInterval.ONE_MINUTE)
        view = MarketView(console, data.order_book(SYMBOL), history)
        until = monotonic() + seconds
        with Live(view, console=console, refresh_per_second=8):
            while (left := until - monotonic()) > 0:
                try:
                    view.take(events.get(left))
                except TimeoutError:
                    break
        return view


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m qfex.demo.market", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="how long to show the market (default 30)"
    )
    options = parser.parse_args(arguments)
    try:
        run(options.seconds, Console())
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
