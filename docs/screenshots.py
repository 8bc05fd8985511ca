"""Makes the pictures of the documentation, with a simulator: ``python docs/screenshots.py [FOLDER]``."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType

from qfex import Channel, MarketDataClient, RestClient, TradeClient
from qfex.cli.commands.rebalance import plan_table
from qfex.monitor import Board, render
from qfex.rebalance import Journal, Pace, Rebalancer, Targets
from qfex.rebalance.chart import draw
from qfex.sim import Simulator

SYMBOLS = ["AAPL-USD", "NVDA-USD", "GOLD-USD", "US500-USD"]
TARGETS = Targets(
    weights={"AAPL-USD": "0.4", "NVDA-USD": "-0.3", "US500-USD": "0.5"},
    quantities={"GOLD-USD": "2.5"},
    limit_wait=1.0,
    min_trade="100",
    max_turnover="1.2",
)
WIDTH, HEIGHT = 124, 38  # of the monitor, in characters


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        Simulator(symbols=SYMBOLS, seed=7, price_path="calm") as simulator,
        clients(simulator) as (trade, rest),
    ):
        rebalancing(simulator, trade, rest, folder)
        monitor(simulator, trade, rest, folder)


@contextmanager
def clients(simulator: Simulator) -> Iterator[tuple[TradeClient, RestClient]]:
    """Open clients for the simulator's default account."""
    place, keys = simulator.environment, simulator.credentials
    with TradeClient(place, keys) as trade, RestClient(place, keys) as rest:
        yield trade, rest


def rebalancing(simulator: Simulator, trade: TradeClient, rest: RestClient, folder: Path) -> None:
    """Save the table of a plan and the chart of a report."""
    with tempfile.TemporaryDirectory() as place, Journal(Path(place) / "journal.sqlite") as journal:
        rebalancer = Rebalancer(trade, rest, journal, pace=Pace(poll=0.1))
        save(
            plan_table(rebalancer.plan(TARGETS)),
            folder / "plan.svg",
            "qfex-sync rebalance --dry-run",
            104,
            None,
        )
        draw(rebalancer.run(TARGETS), folder / "rebalance.png")


def monitor(simulator: Simulator, trade: TradeClient, rest: RestClient, folder: Path) -> None:
    """Save the monitor of an account with positions and orders, after a lost connection."""
    with MarketDataClient(simulator.environment) as market:
        board = Board(trade, market, "AAPL-USD", rest, "QFEX sim")
        board.start()
        trade.place_order("AAPL-USD", "BUY", "5", "330")
        trade.place_order("NVDA-USD", "BUY", "10", "226")
        trade.place_stop_order("AAPL-USD", "SELL", "STOP_LOSS", "20", "320")
        trade.place_order("GOLD-USD", "SELL", "0.5", wait=True)
        lose_the_connection(simulator, trade)
        trade.place_order("AAPL-USD", "BUY", "12", wait=True)
        market.order_book("AAPL-USD")
        market.mark_price("AAPL-USD")
        while len(board.snapshot().fills) < 2:
            board.changed.wait(1.0)
            board.changed.clear()
        save(render(board.snapshot(), WIDTH), folder / "monitor.svg", "qfex-sync watch", WIDTH, HEIGHT)


def lose_the_connection(simulator: Simulator, trade: TradeClient) -> None:
    """Cut the trade connection and wait until it is restored."""
    with trade.stream(Channel.CONNECTION) as events:
        simulator.faults.drop_now()
        for event in events:
            if event.gap_end is not None:
                return


def save(picture: RenderableType, path: Path, title: str, width: int, height: int | None) -> None:
    """Print to a recording console and save its content as SVG."""
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
    console.print(picture)
    console.save_svg(str(path), title=title)


if __name__ == "__main__":
    main()
