"""Positions, trades, finished orders, TWAPs, fees and leverage over REST."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from qfex.sim.engine import TwapEntry
from tests.sim.clients import AAPL, connect, order_message

from .rest_harness import Rest, iso


def get_order(rest: Rest, client_order_id: str) -> Any:
    [row] = rest.get("/user/historic-orders", client_order_id=client_order_id)["data"]
    return row


def test_trades_on_the_socket_are_in_the_history(rest: Rest) -> None:
    client = connect(rest.sim)
    client.send(order_message("BUY", 2, client_order_id="lost-reply"))
    filled = client.until("order_response", status="FILLED")

    row = get_order(rest, "lost-reply")
    assert (row["order_id"], row["terminal_status"]) == (filled["order_id"], "FILLED")
    assert (row["filled_qty"], row["passive_qty"], row["avg_price"]) == (2, 0, Decimal("336.23"))
    assert (row["execution_state"], row["time_in_force"], row["type"]) == ("FILLED", "IOC", "MARKET")
    assert row["first_fill_ts"] == row["last_fill_ts"] == row["status_ts"]

    [trade] = rest.get("/user/trade", exchange_order_id=filled["order_id"])["data"]
    assert (trade["id"], trade["order_id"]) == (filled["trade_id"], filled["order_id"])
    assert (trade["price"], trade["quantity"], trade["side"]) == (Decimal("336.23"), 2, "BUY")
    assert trade["fee"] == Decimal("0.67246")
    assert float(trade["order_timestamp"]) == pytest.approx(rest.sim.now)
    assert "client_order_id" not in trade


def test_positions_and_balance_follow_trades(rest: Rest) -> None:
    assert rest.get("/user/positions")["positions"] is None
    rest.order("BUY", "2")
    body = rest.get("/user/positions")
    [position] = body["positions"]
    assert (position["symbol"], position["position"], position["average_price"]) == (
        AAPL,
        2,
        Decimal("336.23"),
    )
    assert (position["open_orders"], position["leverage"], position["initial_margin"]) == (
        0,
        10,
        Decimal("0.1"),
    )
    balance = body["balance"]
    assert balance["deposit"] == 100_000
    assert balance["position_margin"] > 0
    assert "fees" not in balance and "id" not in position


def test_a_never_funded_account_is_an_internal_error(rest: Rest) -> None:
    poor = rest.sim.create_account(0)
    assert rest.problem(500, "/user/positions", keys=poor)["detail"] == "position balance not found"
    rich = rest.sim.create_account(5)
    assert rest.get("/user/positions", keys=rich)["balance"]["deposit"] == 5


def test_finished_orders_have_a_terminal_status(rest: Rest) -> None:
    rest.order("BUY", "1", "300", order_type="LIMIT", client_order_id="no-luck")
    rest.order("BUY", "0.005", "300", order_type="LIMIT", client_order_id="too-small")
    assert get_order(rest, "no-luck")["terminal_status"] == "IOC_CANCELLED"
    row = get_order(rest, "no-luck")
    assert (row["avg_price"], row["first_fill_ts"], row["execution_state"]) == (None, None, "UNFILLED")
    assert get_order(rest, "too-small")["terminal_status"] == "QUANTITY_LESS_THAN_MIN_QUANTITY"


def test_the_documented_dialect_has_fewer_statuses(documented: Rest) -> None:
    documented.order("BUY", "1", "300", order_type="LIMIT", client_order_id="no-luck")
    assert get_order(documented, "no-luck")["terminal_status"] == "CANCELLED"


def test_open_orders_are_not_history(rest: Rest) -> None:
    rest.order(price="300", order_type="LIMIT", time_in_force="GTC", client_order_id="resting")
    assert rest.get("/user/historic-orders", client_order_id="resting") == {
        "$schema": "https://api.qfex.com/schemas/HistoricOrdersResponseBody.json",
        "data": None,
        "count": 0,
    }
    [position] = rest.get("/user/positions")["positions"]
    assert (position["position"], position["open_orders"], position["open_quantity"]) == (0, 1, 1)


def test_orders_come_newest_first_and_in_pages(rest: Rest) -> None:
    for number in range(5):
        rest.order("BUY", "0.01", client_order_id=f"order-{number}")
        rest.sim.advance(10)
    ids = [row["client_order_id"] for row in rest.get("/user/historic-orders")["data"]]
    assert ids == [f"order-{number}" for number in (4, 3, 2, 1, 0)]
    page = rest.get("/user/historic-orders", limit=2, offset=1)
    assert [row["client_order_id"] for row in page["data"]] == ["order-3", "order-2"]
    assert page["count"] == 2
    since = iso(rest.sim.now - 25)
    assert len(rest.get("/user/historic-orders", start=since)["data"]) == 2
    assert len(rest.get("/user/historic-orders", end=since)["data"]) == 3
    assert rest.get("/user/historic-orders", symbol="GOLD-USD")["data"] is None


def test_trades_are_filtered_and_paged(rest: Rest) -> None:
    for _ in range(3):
        rest.order("BUY", "0.01")
        rest.sim.advance(10)
    rest.order("SELL", "0.01")
    rest.order("BUY", "0.01", "340", order_type="LIMIT")
    rest.order("BUY", "0.001", symbol="GOLD-USD")
    count = {
        name: len(rest.get("/user/trade", **params)["data"])
        for name, params in {
            "all": {},
            "symbol": {"symbol": AAPL},
            "side": {"orderdirection": "SELL"},
            "type": {"ordertype": "LIMIT"},
            "page": {"limit": 4, "offset": 3},
            "start": {"start": iso(rest.sim.now - 15)},
            "start_time": {"start_time": iso(rest.sim.now - 15)},
            "end_time": {"end_time": iso(rest.sim.now - 15)},
        }.items()
    }
    assert count == {
        "all": 6,
        "symbol": 5,
        "side": 1,
        "type": 1,
        "page": 3,
        "start": 4,
        "start_time": 4,
        "end_time": 2,
    }


def test_ended_twaps_are_history(rest: Rest) -> None:
    entry = TwapEntry(AAPL, "BUY", Decimal("0.2"), 2, 30, client_twap_id="slowly")
    account = rest.sim.account_id(rest.credentials)
    rest.sim.exchange_call(lambda exchange: exchange.add_twap(account, entry))
    assert rest.get("/user/historic-twaps")["data"] is None
    rest.sim.advance(120)
    [row] = rest.get("/user/historic-twaps", symbol=AAPL)["data"]
    assert (row["client_twap_id"], row["filled_num_orders"], row["total_num_orders"]) == ("slowly", 2, 2)
    assert (row["filled_quantity"], row["reduce_only"]) == (Decimal("0.2"), False)
    assert row["created_at"].endswith("Z") and row["updated_at"] > row["created_at"]
    assert rest.get("/user/historic-twaps", symbol="GOLD-USD")["data"] is None


def test_fees_are_millionths_of_a_percent(rest: Rest) -> None:
    fees = rest.get("/user/fees")["fees"]
    assert fees[AAPL] == {"maker_fee": 50_000, "taker_fee": 100_000}
    assert fees["GOLD-USD"] == {"maker_fee": 20_000, "taker_fee": 50_000}


def test_leverage_is_set_while_flat(rest: Rest) -> None:
    def set_leverage(leverage: float) -> Any:
        body = {"symbol": AAPL, "leverage": leverage}
        return rest.raw("/user/leverage", method="POST", keys=rest.credentials, json=body)

    assert set_leverage(5).json()["leverage"] == 5
    rest.order("BUY", "1")
    assert rest.get("/user/positions")["positions"][0]["leverage"] == 5
    assert set_leverage(3).status_code == 400
    body = {"symbol": "NOPE", "leverage": 3}
    rest.problem(404, "/user/leverage", method="POST", keys=rest.credentials, json=body)


@pytest.mark.parametrize(
    ("path", "rows"), [("/trades-csv", 2), ("/historic-orders-csv", 3), ("/historic-twaps-csv", 0)]
)
def test_the_whole_history_is_served_as_csv(rest: Rest, path: str, rows: int) -> None:
    rest.order("BUY", "1", client_order_id="with, comma")
    rest.order("SELL", "1")
    rest.order("BUY", "1", "300", order_type="LIMIT")
    response = rest.raw(path, keys=rest.credentials)
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *lines = response.text.splitlines()
    assert "symbol" in header.split(",") and len(lines) == rows
    assert path != "/historic-orders-csv" or '"with, comma"' in response.text
