"""Equity, profit and volume over time, and subaccounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sim.clients import AAPL

from .rest_harness import Rest

HOUR = 3600


def test_equity_over_time(rest: Rest) -> None:
    rest.order("BUY", "100")
    rest.sim.advance(2 * HOUR)
    rest.sim.set_mark_price(AAPL, 346)
    rest.sim.advance(2 * HOUR)
    body = rest.get("/user/account-equity", duration="1w")
    values = [point["value"] for point in body["data"]]
    assert values[-1] - values[0] > 900
    assert (body["duration"], body["interval_minutes"], body["count"]) == ("1w", 60, len(values))
    balance = rest.get("/user/positions")["balance"]
    margins = balance["order_margin"] + balance["position_margin"]
    assert values[-1] == balance["available_balance"] + margins


def test_profit_adds_up_to_the_equity(rest: Rest) -> None:
    rest.order("BUY", "100")
    rest.sim.advance(HOUR)
    rest.sim.set_mark_price(AAPL, 346)
    rest.sim.advance(HOUR)
    rest.order("SELL", "100")
    rest.sim.advance(HOUR)
    body = rest.get("/user/historic-pnl")
    profit = sum(point["value"] for point in body["data"])
    last = rest.get("/user/account-equity")["data"][-1]["value"]
    assert (body["unit"], body["symbols"]) == ("number", None)
    # No interval includes the profit before the first sample, which is the cost of crossing the spread.
    assert 0 < profit - (last - 100_000) < 100
    percent = rest.get("/user/historic-pnl", unit="percent", symbol=AAPL)
    assert percent["symbols"] == [AAPL]
    assert 0 < sum(point["value"] for point in percent["data"]) < 2
    assert not any(point["value"] for point in rest.get("/user/historic-pnl", symbol="GOLD-USD")["data"])


def test_hourly_profit_has_each_position_once_an_hour(rest: Rest) -> None:
    assert rest.get("/pnl")["data"] is None
    rest.sim.advance(HOUR - rest.sim.now % HOUR + 1)
    rest.order("BUY", "2")
    rest.sim.advance(3 * HOUR)
    rows = rest.get("/pnl", symbol=AAPL)["data"]
    hours = [row["hour"] for row in rows]
    assert hours == sorted(set(hours), reverse=True) and len(hours) == 4
    assert (rows[0]["quantity"], rows[0]["cost"]) == (2, Decimal("672.46"))
    assert rows[0]["fees"] == Decimal("0.67246")
    assert len(rest.get("/pnl", limit_hours=1)["data"]) < 4
    assert rest.get("/pnl", symbol="GOLD-USD")["data"] is None


def test_volume_by_day_and_role(rest: Rest) -> None:
    rest.order("BUY", "2")
    rest.sim.advance(24 * HOUR)
    rest.order("SELL", "1")
    rest.order("BUY", "0.001", symbol="GOLD-USD")
    body = rest.get("/user/volume", range="1w", symbol=AAPL)
    first, second = body["data"]
    assert (first["taker_volume"], second["taker_volume"]) == (Decimal("672.46"), Decimal("336.15"))
    assert (body["total_taker_volume"], body["total_maker_volume"]) == (Decimal("1008.61"), 0)
    assert (body["range"], body["interval"], body["symbols"]) == ("1w", "1d", [AAPL])
    everything = rest.get("/user/volume", range="all")
    assert everything["total_volume"] > body["total_volume"]
    assert rest.get("/user/volume", range="ytd")["total_volume"] == everything["total_volume"]
    assert rest.get("/user/volume", range="1m", symbol="NOPE")["data"] is None


def test_maker_volume_is_counted_separately(rest: Rest) -> None:
    maker = rest.sim.create_account()
    price = {"order_type": "LIMIT", "price": "336.20"}
    rest.order("SELL", "1", keys=maker, time_in_force="GTC", **price)
    rest.order("BUY", "1", **price)
    assert rest.get("/user/volume", keys=maker)["total_maker_volume"] == Decimal("336.20")
    assert rest.get("/user/volume")["total_taker_volume"] == Decimal("336.20")


def test_unknown_presets_are_a_bad_request(rest: Rest) -> None:
    for path, params in {
        "/user/account-equity": {"duration": "7y"},
        "/user/historic-pnl": {"unit": "apples"},
        "/user/volume": {"range": "2w"},
        "/user/referral-rewards": {"duration": "soon"},
    }.items():
        rest.problem(400, path, keys=rest.credentials, params=params)


def test_there_are_no_referral_rewards(rest: Rest) -> None:
    body = rest.get("/user/referral-rewards", duration="all")
    assert (body["data"], body["count"], body["total_amount"]) == (None, 0, 0)


def create_subaccount(rest: Rest) -> str:
    response = rest.raw("/user/subaccounts", method="POST", keys=rest.credentials, json={})
    assert response.status_code == 200
    account_id: str = response.json()["account_id"]
    return account_id


def transfer(rest: Rest, source: str, destination: str, amount: Any, status: int = 204) -> None:
    params = {"src_account_id": source, "dst_account_id": destination}
    options = {"method": "POST", "keys": rest.credentials, "params": params, "json": {"amount": amount}}
    response = rest.raw("/user/transfer", **options)
    assert (response.status_code, response.text != "") == (status, status != 204)


def test_subaccounts_have_balances_of_their_own(rest: Rest) -> None:
    assert rest.get("/user/subaccounts")["account_ids"] is None
    master, sub = rest.sim.account_id(rest.credentials), create_subaccount(rest)
    assert rest.get("/user/subaccounts")["account_ids"] == [sub]
    as_sub = {"x-qfex-requested-account-id": sub}
    rest.problem(500, "/user/positions", keys=rest.credentials, headers=as_sub)
    transfer(rest, master, sub, 250.5)
    rows = rest.get("/user/subaccounts/balance")["accounts"]
    assert rows == [
        {"account_id": master, "available_balance": Decimal("99749.5"), "is_master": True},
        {"account_id": sub, "available_balance": Decimal("250.5"), "is_master": False},
    ]
    assert [row["equity"] for row in rest.get("/user/subaccounts/equity")["accounts"]] == [
        Decimal("99749.5"),
        Decimal("250.5"),
    ]
    positions = rest.raw("/user/positions", keys=rest.credentials, headers=as_sub).json()
    assert positions["balance"]["deposit"] == 250.5
    transfer(rest, sub, master, 250.5)
    positions = rest.raw("/user/positions", keys=rest.credentials, headers=as_sub).json()
    assert positions["balance"]["deposit"] == 0, "the subaccount was funded before"


def test_transfers_are_checked(rest: Rest) -> None:
    master, sub = rest.sim.account_id(rest.credentials), create_subaccount(rest)
    stranger = rest.sim.account_id(rest.sim.create_account())
    transfer(rest, master, sub, 100_000.01, status=400)
    transfer(rest, master, master, 1, status=400)
    transfer(rest, master, sub, -1, status=422)
    transfer(rest, master, sub, "1", status=422)
    transfer(rest, stranger, master, 1, status=403)
    transfer(rest, master, stranger, 1, status=403)
    rest.problem(422, "/user/transfer", method="POST", keys=rest.credentials, json={"amount": 1})


def test_another_owners_account_is_forbidden(rest: Rest) -> None:
    stranger = rest.sim.account_id(rest.sim.create_account())
    headers = {"x-qfex-requested-account-id": stranger}
    rest.problem(403, "/user/fees", keys=rest.credentials, headers=headers)
