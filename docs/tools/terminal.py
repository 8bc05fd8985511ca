"""Pictures of terminals: both demos, and the doctor with a wrong key. ``python docs/tools/terminal.py [FOLDER]``"""

from __future__ import annotations

import io
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner
from rich.console import Console
from rich.text import Text

from qfex import MarketDataClient, ReconnectPolicy, RestClient, TradeClient
from qfex.cli.app import cli
from qfex.demo.market import MarketView
from qfex.demo.screen import Screen
from qfex.demo.tour import MARK, PATIENCE, SYMBOL, Tour
from qfex.sim import Simulator

IMAGES = Path(__file__).parent.parent / "images"
WIDTH = 100  # characters


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    demo(folder / "demo.svg")
    market(folder / "market.svg")
    doctor(folder / "doctor.svg")


def terminal(width: int = WIDTH) -> Console:
    """Return a console that records what it prints and prints nowhere."""
    return Console(record=True, width=width, file=io.StringIO(), highlight=False)


def demo(path: Path) -> None:
    """Record the whole demo."""
    console = terminal()
    with Simulator(seed=7) as sim:
        sim.set_mark_price(SYMBOL, MARK)
        client = TradeClient(
            sim.environment,
            sim.credentials,
            reconnect=ReconnectPolicy(initial_delay=0.2),
            request_timeout=PATIENCE,
        )
        with client.stream("connection") as connection:
            Tour(Screen(console), sim, client, connection).run()
    save(console, path, "qfex-sync demo")


def market(path: Path) -> None:
    """Record the live book and candles after an hour of a trending market."""
    console = terminal(2 * WIDTH)
    with (
        Simulator(symbols=[SYMBOL], price_path="trending", clock="manual", seed=4) as sim,
        RestClient(sim.environment) as rest,
        MarketDataClient(sim.environment) as data,
    ):
        sim.advance(3600)
        now = datetime.fromtimestamp(sim.now, timezone.utc)
        candles = rest.candles(SYMBOL, "1MIN", now - timedelta(hours=1), now)
        console.print(MarketView(console, data.order_book(SYMBOL), candles))
    save(console, path, "python -m qfex.demo.market")


def doctor(path: Path) -> None:
    """Record the doctor with a wrong key."""
    console = terminal()
    with Simulator(symbols=[SYMBOL]) as sim, mock.patch.dict(os.environ, variables(sim)):
        result = CliRunner().invoke(cli, ["doctor"], prog_name="qfex-sync")
    console.print(Text("$ qfex-sync doctor", style="bold"))
    for line in result.output.splitlines():
        console.print(painted(line))
    save(console, path, "qfex-sync doctor")


def variables(sim: Simulator) -> dict[str, str]:
    """Return environment variables for a simulator, with a wrong secret key."""
    place = sim.environment
    return {
        "QFEX_ENV": "sim",
        "QFEX_TRADE_URL": place.trade_url,
        "QFEX_MDS_URL": place.market_data_url,
        "QFEX_REST_URL": place.rest_url,
        "QFEX_PUBLIC_KEY": sim.credentials.public_key,
        "QFEX_SECRET_KEY": "not-the-secret-of-this-key",
    }


def painted(line: str) -> Text:
    """Return a line of the doctor's output with its verdict in colour."""
    colours = {"ok": "green", "warn": "yellow", "FAIL": "red", "skip": "dim"}
    verdict, _, rest = line.partition(" ")
    if verdict not in colours:
        return Text(line, style="bold")
    return Text.assemble((verdict, colours[verdict]), f" {rest}")


def save(console: Any, path: Path, title: str) -> None:
    """Save what a console recorded, without the reference to an external font."""
    svg = console.export_svg(title=title)
    begin, end = svg.find("@font-face"), svg.rfind("@font-face")
    svg = svg[:begin] + svg[svg.find("}", end) + 1 :].lstrip()
    path.write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
