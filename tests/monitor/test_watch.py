"""The monitor with a simulator: its data, lost connections, and a terminal whose size changes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from qfex import MarketDataClient, ReconnectPolicy, RestClient, TradeClient
from qfex.monitor import Board, Snapshot
from qfex.sim import Simulator

PATIENCE = 20.0  # seconds: an upper limit of waits, never a delay
SOON = ReconnectPolicy(initial_delay=0.05)


@pytest.fixture
def exchange() -> Iterator[Simulator]:
    with Simulator(symbols=["AAPL-USD", "GOLD-USD"], clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@contextmanager
def board_of(exchange: Simulator) -> Iterator[tuple[Board, TradeClient]]:
    place, keys = exchange.environment, exchange.credentials
    with (
        TradeClient(place, keys, reconnect=SOON) as trade,
        MarketDataClient(place, reconnect=SOON) as market,
        RestClient(place, keys) as rest,
    ):
        yield Board(trade, market, "AAPL-USD", rest, "test"), trade


def until(board: Board, enough: Callable[[Snapshot], bool]) -> Snapshot:
    """Wait until a snapshot meets a condition, and return it."""
    end = monotonic() + PATIENCE
    while not enough(snapshot := board.snapshot()):
        assert monotonic() < end, snapshot
        board.changed.wait(0.5)
        board.changed.clear()
    return snapshot


def test_the_board_shows_the_account_and_its_events(exchange: Simulator) -> None:
    with board_of(exchange) as (board, trade):
        trade.place_order("GOLD-USD", "SELL", "0.5", wait=True)
        resting = trade.place_order("AAPL-USD", "BUY", "1", "330")
        board.start()
        first = until(board, lambda seen: seen.book is not None and seen.mark is not None)
        assert first.positions["GOLD-USD"].position == -0.5
        assert first.balance is not None and resting.order_id in first.orders
        trade.place_order("AAPL-USD", "BUY", "2", wait=True)
        trade.cancel_order(resting)
        seen = until(board, lambda seen: len(seen.fills) == 1 and not seen.orders)
        assert (seen.fills[0].symbol, seen.fills[0].quantity) == ("AAPL-USD", 2)
        exchange.set_mark_price("AAPL-USD", "340")
        until(board, lambda seen: seen.mark is not None and seen.mark.price == 340)


def test_the_board_survives_lost_connections(exchange: Simulator) -> None:
    with board_of(exchange) as (board, trade):
        board.start()
        exchange.faults.drop_now()
        seen = until(board, lambda seen: any("ready after" in entry.text for entry in seen.log))
        assert [entry.is_bad for entry in seen.log if "reconnecting" in entry.text] == [True]
        trade.place_order("AAPL-USD", "BUY", "2", wait=True)
        until(board, lambda seen: len(seen.fills) == 1)


def variables(exchange: Simulator) -> dict[str, str]:
    place, keys = exchange.environment, exchange.credentials
    return {
        **os.environ,
        "QFEX_ENV": "sim",
        "QFEX_TRADE_URL": place.trade_url,
        "QFEX_MDS_URL": place.market_data_url,
        "QFEX_REST_URL": place.rest_url,
        "QFEX_PUBLIC_KEY": keys.public_key,
        "QFEX_SECRET_KEY": keys.secret_key,
        "TERM": "xterm-256color",
    }


class Terminal:
    """A pseudo-terminal that runs the program."""

    def __init__(self, exchange: Simulator, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.resize(110, 30)
        environment = {
            name: value for name, value in variables(exchange).items() if name not in ("COLUMNS", "LINES")
        }
        command = [sys.executable, "-m", "qfex.cli", "watch", *arguments]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self._seen = b""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, pattern: str) -> None:
        """Read until the output since the last wait matches a pattern."""
        end = monotonic() + PATIENCE
        while not (found := re.search(pattern, self._text())):
            assert monotonic() < end, self._text()[-3000:]
            self._seen += os.read(self._master, 65536)
        del found
        self._seen = b""

    def _text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen.decode("utf-8", "replace"))

    def end(self) -> int:
        """Press Ctrl-C and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        try:
            while os.read(self._master, 65536):
                pass
        except OSError:  # the other end is closed
            pass
        os.close(self._master)
        return self.process.wait(PATIENCE)


def box(width: int) -> str:
    """The upper edge of the header, which is as wide as the terminal."""
    return "(^|[^─])╭" + "─" * (width - 2) + "╮"


def test_the_view_follows_the_size_of_the_terminal_and_the_exchange(exchange: Simulator) -> None:
    terminal = Terminal(exchange)
    terminal.wait_for(box(110))
    terminal.wait_for("mark 336.19")
    terminal.resize(90, 40)
    terminal.wait_for(box(90))
    exchange.faults.drop_now()
    terminal.wait_for("reconnects 1")
    with TradeClient(exchange.environment, exchange.credentials) as trade:
        trade.place_order("AAPL-USD", "BUY", "2", wait=True)
    terminal.wait_for("AAPL-USD +BUY +2")
    assert terminal.end() == 0


def run(exchange: Simulator, *arguments: str) -> str:
    command = [sys.executable, "-m", "qfex.cli", "watch", *arguments]
    result = subprocess.run(
        command, env=variables(exchange), capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_once_prints_a_single_picture(exchange: Simulator) -> None:
    picture = run(exchange, "--once")
    assert picture.count("positions") == 1 and "QFEX sim" in picture and "spread" in picture


def test_json_prints_one_line_for_each_event(exchange: Simulator) -> None:
    command = [sys.executable, "-m", "qfex.cli", "watch", "--json"]
    with subprocess.Popen(command, env=variables(exchange), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"event": "Watching", "environment": "sim"}
        with TradeClient(exchange.environment, exchange.credentials) as trade:
            order = trade.place_order("AAPL-USD", "BUY", "2", wait=True)
        events = (json.loads(line) for line in process.stdout)
        fill = next(event for event in events if event["event"] == "Fill")
        assert (fill["order_id"], fill["quantity"]) == (order.order_id, "2.0")
        process.send_signal(signal.SIGINT)
