"""Commands that trade, with a simulator."""

from __future__ import annotations

import json

import pytest

from qfex.sim import Simulator

from .conftest import Ask, Run

pytestmark = pytest.mark.usefixtures("at_exchange")


def test_an_order_is_placed_listed_modified_and_cancelled(ask: Ask, run: Run) -> None:
    placed = ask("order", "place", "AAPL-USD", "buy", "1", "330", "--client-order-id", "my-own-order-id")
    assert (placed["status"], placed["side"], placed["price"]) == ("ACK", "BUY", "330.0")
    assert [order["order_id"] for order in ask("orders", "--symbol", "AAPL-USD")] == [placed["order_id"]]
    modified = ask("order", "modify", "AAPL-USD", placed["order_id"], "--price", "331")
    assert (modified["status"], modified["price"]) == ("MODIFIED", "331.0")
    assert ask("order", "get", "AAPL-USD", modified["order_id"])["price"] == "331.0"
    assert ask("resolve", "AAPL-USD", "my-own-order-id")["price"] == "331.0"
    assert ask("order", "cancel", "AAPL-USD", "my-own-order-id", "--client-id")["status"] == "CANCELLED"
    assert ask("orders") == []
    assert "no open orders" in run("orders").output


def test_a_market_order_makes_a_position_and_a_trade(ask: Ask, run: Run) -> None:
    placed = ask("order", "place", "AAPL-USD", "BUY", "1.5", "--wait")
    assert (placed["status"], placed["quantity_remaining"]) == ("FILLED", "0.0")
    (position,) = ask("positions")
    assert (position["symbol"], position["position"]) == ("AAPL-USD", "1.5")
    (trade,) = ask("trades", "--symbol", "AAPL-USD")
    assert (trade["quantity"], trade["order_id"]) == ("1.5", placed["order_id"])
    assert "AAPL-USD" in run("positions").output and "AAPL-USD" in run("trades").output
    assert float(ask("account")["equity"]) < 100_000
    closing = ask("close", "AAPL-USD")
    assert (closing["side"], closing["reduce_only"]) == ("SELL", True)
    assert ask("positions") == []


def test_options_of_orders_are_sent(ask: Ask, at_exchange: Simulator) -> None:
    ask(
        "order",
        "place",
        "AAPL-USD",
        "buy",
        "1",
        "330",
        "--type",
        "alo",
        "--take-profit",
        "350",
        "--stop-loss",
        "320",
    )
    sent = at_exchange.ledger.received[-1].params
    assert (sent["order_type"], sent["take_profit"], sent["stop_loss"]) == ("ALO", 350.0, 320.0)
    ask("order", "place", "AAPL-USD", "buy", "1", "330", "--tif", "IOC")
    assert at_exchange.ledger.received[-1].params["order_time_in_force"] == "IOC"


def test_all_orders_are_cancelled(ask: Ask, run: Run) -> None:
    for price in ("330", "331"):
        ask("order", "place", "AAPL-USD", "buy", "1", price)
    assert len(ask("order", "cancel-all")) == 2
    assert "nothing to cancel" in run("order", "cancel-all").output


def test_stops_are_placed_modified_and_cancelled(ask: Ask) -> None:
    ask("order", "place", "AAPL-USD", "buy", "2", "--wait")
    placed = ask("stop", "place", "AAPL-USD", "sell", "stop-loss", "1", "320")
    assert (placed["order_type"], placed["price"]) == ("STOP_LOSS", "320.0")
    ask("stop", "modify", "AAPL-USD", placed["order_id"], "--trigger", "321", "--quantity", "2")
    (listed,) = ask("orders")
    assert (listed["price"], listed["quantity"]) == ("321.0", "2.0")
    ask("stop", "cancel", listed["order_id"])
    assert ask("orders") == []


def test_twaps_are_added_listed_and_cancelled(ask: Ask, at_exchange: Simulator) -> None:
    added = ask("twap", "add", "AAPL-USD", "buy", "4", "4", "30")
    assert added["total_quantity"] == "4.0"
    at_exchange.advance(31)
    (listed,) = ask("twap", "list")
    assert listed["filled_quantity"] == "2.0"
    cancelled = ask("twap", "cancel", "AAPL-USD", added["twap_id"])
    assert cancelled["twap_id"] == added["twap_id"]
    watched = ask("twap", "watch", added["twap_id"], "--symbol", "AAPL-USD")
    assert (watched["status"], watched["filled_quantity"]) == ("CANCELLED", "2.0")


def test_an_unknown_twap_is_wrong_usage(run: Run) -> None:
    assert run("twap", "watch", "no-such-twap").exit_code == 2


def test_flatten_leaves_no_orders_and_no_positions(ask: Ask, run: Run) -> None:
    ask("order", "place", "AAPL-USD", "buy", "2", "--wait")
    ask("order", "place", "GOLD-USD", "sell", "0.5", "--wait")
    ask("order", "place", "AAPL-USD", "buy", "1", "330")
    ask("twap", "add", "AAPL-USD", "buy", "4", "4", "30")
    result = ask("flatten")
    assert (len(result["twaps"]), len(result["cancelled"]), result["left"]) == (1, 1, [])
    assert ask("positions") == ask("orders") == ask("twap", "list") == []
    assert "cancelled 0 TWAPs and 0 orders" in run("flatten").output


def test_leverage_is_shown_and_set(ask: Ask) -> None:
    ask("leverage", "set", "AAPL-USD", "5")
    (row,) = ask("leverage", "show", "--symbol", "AAPL-USD")
    assert row["leverage"] == "5"
    assert len(ask("leverage", "show", "--symbol", "AAPL-USD", "--available")) > 1


def test_an_order_that_was_never_sent_resolves_to_nothing(run: Run) -> None:
    result = run("resolve", "AAPL-USD", "an-id-that-was-never-sent", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, None)
    assert "never had" in run("resolve", "AAPL-USD", "an-id-that-was-never-sent").output
