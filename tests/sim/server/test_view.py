"""The live view on a terminal."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import threading
import time

import pytest
from rich.console import Console

from qfex.sim import Simulator
from qfex.sim.server.view import render, show
from tests.sim.clients import TIMEOUT, connect, order_message


def screen(sim: Simulator, width: int = 200) -> str:
    """Return the view as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(render(sim.snapshot(), "a heading"))
    return captured.get()


def test_an_empty_exchange_can_be_shown(sim: Simulator) -> None:
    text = screen(sim)
    assert "a heading" in text and "AAPL-USD" in text and "0 connections" in text


def test_books_accounts_and_orders_are_shown(sim: Simulator) -> None:
    seller, buyer = connect(sim, sim.create_account(balance="2500.50")), connect(sim)
    seller.ask(order_message("SELL", 2, 336.25))
    buyer.send(order_message("BUY", 0.5, 337))
    buyer.until("order_response", status="FILLED")
    text = screen(sim)
    line = next(line for line in text.splitlines() if "AAPL-USD" in line)
    assert "336.25" in line and "1.5" in line
    assert "+0.5 AAPL-USD" in text and "-0.5 AAPL-USD" in text
    assert "FILLED" in text and "ACK" in text
    assert "2 connections" in text


@pytest.mark.parametrize("width", [20, 80])
def test_narrow_terminals_are_supported(default_sim: Simulator, width: int) -> None:
    assert screen(default_sim, width)


def test_the_view_is_refreshed_until_the_end(sim: Simulator) -> None:
    ended = threading.Event()
    taken = 0

    def take() -> object:
        nonlocal taken
        taken += 1
        if taken == 3:
            ended.set()
        return sim.snapshot()

    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    show(take, "a heading", ended, console)  # type: ignore[arg-type]
    assert taken == 3


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_on_a_terminal_the_command_shows_the_view_and_ends_cleanly() -> None:
    near, far = os.openpty()
    command = [sys.executable, "-m", "qfex.sim", "--symbols", "AAPL-USD"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "50"}
    with subprocess.Popen(command, stdout=far, stderr=subprocess.PIPE, env=environment) as process:
        os.close(far)
        deadline, text = time.monotonic() + TIMEOUT, b""
        while b"Accounts" not in text:
            assert time.monotonic() < deadline, text
            if select.select([near], [], [], 0.1)[0]:
                text += os.read(near, 65536)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while process.poll() is None:
            assert time.monotonic() < deadline
            if select.select([near], [], [], 0.05)[0]:
                try:
                    os.read(near, 65536)
                except OSError:  # The process has closed its side.
                    break
        assert process.wait(TIMEOUT) == 0
        assert process.stderr.read() == b""
    os.close(near)
    assert b"export QFEX_TRADE_URL=" in text
