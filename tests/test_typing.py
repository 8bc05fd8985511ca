"""The package is typed: a user's type checker knows what every call returns and finds mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

GOOD = """
from __future__ import annotations

from decimal import Decimal
from datetime import datetime

import qfex
from qfex import (
    Balance, Channel, Leverage, OpenOrders, Order, OrderRequest, OutcomeUnknown, PendingOrder, Position, QfexError,
    Side, TradeClient, Twap, UAT, HmacCredentials, UserTrade,
)


def trade(client: TradeClient) -> Decimal:
    order: Order = client.place_order("AAPL-USD", "BUY", "0.5", 180.25, time_in_force="GTC")
    pending: PendingOrder = client.submit_order("AAPL-USD", Side.SELL, 1)
    results: list[Order | QfexError] = client.place_orders([OrderRequest("AAPL-USD", "BUY", 1)])
    page: OpenOrders = client.get_user_orders()
    trades: list[UserTrade] = client.get_user_trades()
    levels: list[Leverage] = client.get_leverage()
    twap: Twap = client.add_twap("AAPL-USD", "BUY", 10, 5, 30)
    positions: dict[str, Position] = client.positions
    balance: Balance | None = client.balance
    resolved: Order | None = client.resolve("id", "AAPL-USD")
    moment: datetime | None = order.update_time
    registration = client.on(Channel.FILLS, print)
    registration.cancel()
    print(results, page, trades, levels, twap, positions, balance, resolved, moment)
    return client.wait_until_done(pending.result()).quantity_filled


with TradeClient(UAT, HmacCredentials("p", "s")) as client:
    try:
        print(trade(client))
    except OutcomeUnknown as unknown:
        print(unknown.client_order_id, unknown.reason)
    except qfex.OrderRejected as rejected:
        print(rejected.status.is_rejection)
"""

#: Calls that the type checker must refuse.
MISTAKES = """
from qfex import HmacCredentials, TradeClient, UAT

client = TradeClient(UAT, HmacCredentials("p", "s"))
client.place_order("AAPL-USD", "BUY")
client.place_order("AAPL-USD", "BUY", 1, tif="GTC")
client.place_order("AAPL-USD", "BUY", 1).price + "1"
client.cancel_order(5)
client.balance.deposit
TradeClient(UAT, "key")
"""


def check(path: Path, source: str) -> tuple[int, str]:
    """Run mypy in strict mode on a user's module and return its exit code and output."""
    path.write_text(source)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(path.parent),
        str(path),
    ]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=110, cwd=path.parent, env=environment
    )
    return done.returncode, done.stdout + done.stderr


def test_the_package_is_marked_as_typed() -> None:
    assert (ROOT / "qfex" / "py.typed").is_file()
    assert "qfex = py.typed" in (ROOT / "setup.cfg").read_text()


@pytest.mark.slow
def test_a_users_type_checker_accepts_correct_code(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    code, output = check(tmp_path / "good.py", GOOD)
    assert code == 0, output


@pytest.mark.slow
def test_a_users_type_checker_finds_mistakes(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    code, output = check(tmp_path / "mistakes.py", MISTAKES)
    assert code == 1
    assert {int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line} == {
        5,
        6,
        7,
        8,
        9,
        10,
    }, output
