"""A script that knows nothing of this library trades on the simulator, with only its URL and keys changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from qfex.sim import Simulator

SCRIPT = Path(__file__).with_name("raw_script.py")


def run_script(sim: Simulator) -> list[dict[str, Any]]:
    """What the exchange said to the script."""
    keys = sim.credentials
    command = [sys.executable, str(SCRIPT), sim.environment.trade_url, keys.public_key, keys.secret_key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def members(messages: list[dict[str, Any]], kind: str, name: str) -> list[Any]:
    return [message[kind][name] for message in messages if kind in message]


def test_the_script_trades(market: Simulator, dialect: str) -> None:
    received = run_script(market)
    yes = {"live": {"authenticated": True}, "documented": {"type": "auth", "result": "success"}}[dialect]
    assert received[0] == yes
    assert [message["subscribed"] for message in received if "subscribed" in message] == [
        "order_responses",
        "fills",
    ]
    orders = [message["order_response"] for message in received if "order_response" in message]
    statuses = [(order["client_order_id"], order["status"]) for order in orders]
    assert statuses[0] == ("resting", "ACK") and ("market", "FILLED") in statuses
    assert members(received, "fill_response", "quantity") == [1.0]
    (listed,) = members(received, "all_orders_response", "orders")
    assert [order["client_order_id"] for order in listed] == ["resting"]


def test_the_cancel_on_disconnect_of_the_script_worked(market: Simulator) -> None:
    run_script(market)
    while market.connections:  # asked on the exchange's own thread, which sees the end a moment later
        pass
    (resting,) = market.ledger.orders("resting").values()
    assert resting.status == "CANCELLED"
    account = market.account_id(market.credentials)
    assert [
        position.position for position in market.exchange_call(lambda each: each.positions(account))
    ].count(1) == 1


def test_the_script_knows_nothing_of_this_library() -> None:
    assert "qfex." not in SCRIPT.read_text() and "import qfex" not in SCRIPT.read_text()
