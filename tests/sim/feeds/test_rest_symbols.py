"""Reference data, metrics, contracts, books and settlement over REST."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qfex.sim import Simulator
from tests.sim.clients import AAPL

from .rest_harness import Rest, serving


def refdata(rest: Rest, symbol: str = AAPL) -> dict[str, object]:
    rows = {row["symbol"]: row for row in rest.get("/refdata")["data"]}
    return rows[symbol]


def test_refdata_looks_as_captured(rest: Rest) -> None:
    body = rest.get("/refdata")
    assert list(body) == ["$schema", "type", "data"]
    assert body["type"] == "refdata"
    row = refdata(rest)
    assert list(row) == [
        "clobPairId", "symbol", "underlier_price", "price_change_24h", "default_max_leverage", "tick_size",
        "lot_size", "min_price", "max_price", "min_quantity", "max_quantity", "base_asset", "quote_asset",
        "margin_asset", "order_time_in_force", "order_types", "market_hours", "status", "product_category",
    ]  # fmt: skip
    assert (row["clobPairId"], row["tick_size"], row["margin_asset"]) == ("21", "0.01", "USDC")
    assert (row["underlier_price"], row["price_change_24h"]) == ("", "")
    assert row["market_hours"]["monday"][0]["session"] == "pre_market"  # type: ignore[index]


def test_refdata_limits_follow_the_index_price(rest: Rest) -> None:
    rest.sim.set_mark_price(AAPL, 400)
    row = refdata(rest)
    assert (row["min_price"], row["max_price"]) == ("380", "420")


def test_documented_refdata_is_populated(documented: Rest) -> None:
    documented.sim.set_mark_price(AAPL, 400)
    row = refdata(documented)
    assert (row["underlier_price"], row["margin_asset"]) == ("400", "USD")
    assert row["price_change_24h"] == "18.98"
    assert row["market_hours"]["monday"] == {"open": "09:30:00", "close": "16:00:00"}  # type: ignore[index]


def test_the_ticker_filter_finds_nothing_on_the_live_interface(rest: Rest, documented: Rest) -> None:
    assert rest.get("/refdata", ticker=AAPL)["data"] is None
    assert [row["symbol"] for row in documented.get("/refdata", ticker=AAPL)["data"]] == [AAPL]


def test_metrics_are_numbers(rest: Rest) -> None:
    rest.sim.set_mark_price(AAPL, Decimal("369.81"))
    rest.order("BUY", "2")
    body = rest.get("/symbols/metrics")
    [row] = [row for row in body["data"] if row["symbol"] == AAPL]
    assert body["count"] == len(body["data"])
    assert row["open_interest"] == 2
    assert row["current_mark_price"] == Decimal("369.81")
    assert row["mark_price_change_24h_pct"] == Decimal("10.0003")
    assert row["volume_24h_usd_notional"] > 2 * Decimal("369.81")


def test_contracts_count_both_sides(rest: Rest) -> None:
    rest.order("BUY", "2")
    rows = {row["ticker_id"]: row for row in rest.get("/md/contracts")["data"]}
    row = rows[AAPL]
    assert (row["open_interest"], row["long_open_interest"], row["short_open_interest"]) == ("4", "2", "2")
    assert row["base_volume"] == "2"
    assert Decimal(row["target_volume"]) == 2 * Decimal(row["last_price"])
    assert row["next_funding_rate_timestamp"] % 3600 == 3599
    assert "NOK-USD" not in rows, "inactive"


def test_the_book_is_a_ladder_with_empty_ticks(rest: Rest) -> None:
    book = rest.get(f"/md/orderbook/{AAPL}")
    assert book["timestamp"] == int(rest.sim.now * 1000)
    for side, step in (("bids", Decimal("-0.01")), ("asks", Decimal("0.01"))):
        prices = [Decimal(price) for price, _ in book[side]]
        assert {after - before for before, after in zip(prices, prices[1:], strict=False)} == {step}
        assert "0" in [quantity for _, quantity in book[side]]
    bids, asks = rest.sim.exchange_call(lambda exchange: exchange.book(AAPL, 1))
    assert [Decimal(text) for text in book["bids"][0]] == list(bids[0])
    assert [Decimal(text) for text in book["asks"][0]] == list(asks[0])


def test_an_empty_book_is_empty() -> None:
    with serving(liquidity=False) as rest:
        book = rest.get(f"/md/orderbook/{AAPL}")
        assert (book["bids"], book["asks"]) == ([], [])


def test_unknown_symbols_are_not_found(rest: Rest) -> None:
    rest.problem(404, "/md/orderbook/NOPE")
    rest.problem(404, "/candles/NOPE", params={"resolution": "1MIN", **rest.window()})
    rest.problem(404, "/funding/NOPE", params={"intervalMinutes": 60, **rest.window()})
    rest.problem(404, "/settlement-calendar", params={"symbol": "NOPE"})
    rest.problem(404, "/settlement-calendar", params={"symbol": AAPL})


@pytest.mark.parametrize(
    ("symbol", "time", "future", "expiration", "until"),
    [
        ("CL-USD", "2026-04-10T00:00:00Z", "CLK6", "2026-04-21T21:30:00Z", "2026-04-13T21:30:00Z"),
        ("CL-USD", "2026-04-14T00:00:00Z", "CLM6", "2026-05-20T21:30:00Z", "2026-05-12T21:30:00Z"),
        ("CL-USD", "2026-12-20T00:00:00Z", "CLG7", "2027-01-20T21:30:00Z", "2027-01-12T21:30:00Z"),
        ("US100-USD", "2026-05-01T00:00:00Z", "NQM6", "2026-06-19T21:30:00Z", "2026-06-11T21:30:00Z"),
        ("US500-USD", "2026-12-17T00:00:00Z", "ESH7", "2027-03-19T21:30:00Z", "2027-03-11T21:30:00Z"),
    ],
)
def test_the_settlement_calendar_has_the_contract_behind_a_symbol(
    rest: Rest, symbol: str, time: str, future: str, expiration: str, until: str
) -> None:
    entry = rest.get("/settlement-calendar", symbol=symbol, time=time)
    assert entry.pop("$schema").endswith("SettlementCalendarEntry.json")
    assert entry == {
        "expiration": expiration,
        "active_until": until,
        "future_symbol": future,
        "qfex_symbol": symbol,
    }


def test_settlement_prices_exist_for_business_days(rest: Rest) -> None:
    assert rest.get("/settlement-prices")["data"] is None
    rest.sim.set_mark_price("CL-USD", 95)
    rest.sim.advance(7 * 86_400)
    body = rest.get("/settlement-prices", symbol="CL-USD")
    assert body["count"] == 5
    assert {row["spot_settlement_price"] for row in body["data"]} == {95}
    moments = [row["inserted_at"] for row in body["data"]]
    assert moments == sorted(moments, reverse=True)
    assert all(moment.endswith("T21:30:00Z") for moment in moments)
    assert rest.get("/settlement-prices", symbol="CL-USD", limit=2)["count"] == 2
    assert rest.get("/settlement-prices", symbol="CL-USD", start=moments[1])["count"] == 2


def test_the_simulator_serves_the_symbols_asked_for() -> None:
    with Simulator(symbols=[AAPL]) as sim:
        rest = Rest(sim)
        with rest.http:
            assert [row["symbol"] for row in rest.get("/refdata")["data"]] == [AAPL]
