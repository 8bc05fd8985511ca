"""Candles, funding, open interest, volume and holders over time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.sim.clients import AAPL

from .rest_harness import Rest, iso


def align(rest: Rest, step: float = 3600) -> None:
    """Advance to one second after the start of a window."""
    rest.sim.advance(step - rest.sim.now % step + 1)


def test_candles_come_newest_first_as_captured(rest: Rest) -> None:
    align(rest)
    rest.order("BUY", "2")
    rest.sim.advance(3600)
    rest.order("SELL", "1")
    body = rest.get(f"/candles/{AAPL}", resolution="1HOUR", **rest.window(before=7200))
    assert body["$schema"] == "https://api.qfex.com/schemas/CandlesResponseBody.json"
    newest, older, oldest = body["candles"]
    assert list(newest) == [
        "startedAt", "ticker", "resolution", "low", "high", "open", "close", "baseTokenVolume", "usdVolume",
        "startingOpenInterest", "orderbookMidPriceOpen", "orderbookMidPriceClose",
    ]  # fmt: skip
    assert newest["startedAt"] > older["startedAt"] > oldest["startedAt"]
    assert (newest["close"], older["close"]) == ("336.15", "336.23")
    assert (older["usdVolume"], older["baseTokenVolume"]) == ("672.46", "0")
    assert oldest["open"] == oldest["high"] == oldest["low"] == oldest["close"]


def test_documented_candles_count_trades(documented: Rest) -> None:
    documented.order("BUY", "2")
    window = documented.window(before=60)
    newest = documented.get(f"/candles/{AAPL}", resolution="1MIN", **window)["candles"][0]
    assert (newest["trades"], newest["baseTokenVolume"]) == (1, "2")


def test_a_range_without_candles_is_null(rest: Rest) -> None:
    window = rest.window(before=-3600, after=7200)
    assert rest.get(f"/candles/{AAPL}", resolution="1HOUR", **window)["candles"] is None


@pytest.mark.parametrize("resolution", ["1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY"])
def test_every_resolution_is_served(rest: Rest, resolution: str) -> None:
    [candle] = rest.get(f"/candles/{AAPL}", resolution=resolution, **rest.window(before=0))["candles"]
    assert candle["resolution"] == resolution


@pytest.mark.parametrize(
    "params",
    [
        {"resolution": "2HOURS"},
        {"fromISO": "2026-09-30"},
        {"toISO": "soon"},
        {"fromISO": "1999-01-01T00:00:00Z", "resolution": "1MIN"},
    ],
)
def test_invalid_parameters_are_a_bad_request(rest: Rest, params: dict[str, str]) -> None:
    rest.problem(400, f"/candles/{AAPL}", params={"resolution": "1HOUR", **rest.window(), **params})
    if "resolution" not in params:
        rest.problem(400, f"/funding/{AAPL}", params={"intervalMinutes": 1, **rest.window(), **params})


def test_funding_is_filled_forward(rest: Rest) -> None:
    align(rest)
    rate = Decimal("0.00001234")
    rest.sim.exchange_call(lambda exchange: exchange.set_funding_rate(AAPL, rate))
    rest.sim.advance(3 * 3600)
    window = rest.window(before=5 * 3600)
    rows = rest.get(f"/funding/{AAPL}", intervalMinutes=60, **window)["data"]
    assert [row["rate"] for row in rows] == [None, 0, 0, rate, rate, rate]
    assert {row["intervalMinutes"] for row in rows} == {60}
    starts = [row["windowStart"] for row in rows]
    assert starts == sorted(starts) and starts[-1] == iso(rest.sim.now - 1)


def test_open_interest_is_filled_forward(rest: Rest) -> None:
    align(rest)
    rest.order("BUY", "2")
    rest.sim.advance(3600)
    rest.order("SELL", "0.5")
    rest.sim.advance(3600)
    window = rest.window(before=7200)
    rows = rest.get(f"/open-interest/{AAPL}", intervalMinutes=60, **window)["data"]
    assert [row["openInterest"] for row in rows] == [0, 2, Decimal("1.5")]


def test_taker_volume_has_both_sides(rest: Rest) -> None:
    align(rest)
    rest.order("BUY", "2")
    rest.order("SELL", "0.5")
    window = rest.window(before=3600, after=1)
    row = rest.get(f"/taker-volume/{AAPL}", intervalMinutes=60, **window)["data"][-1]
    assert (row["takerBuyQty"], row["takerSellQty"], row["netTakerQty"]) == (
        2,
        Decimal("0.5"),
        Decimal("1.5"),
    )
    assert (row["takerBuyNotional"], row["takerSellNotional"]) == (Decimal("672.46"), Decimal("168.075"))


def test_holders_are_counted(rest: Rest) -> None:
    align(rest)
    rest.order("BUY", "2")
    rest.order("SELL", "1", keys=rest.sim.create_account())
    rest.order("SELL", "1", keys=rest.sim.create_account())
    window = rest.window(before=0)
    [row] = rest.get(f"/symbol-long-short/{AAPL}", interval="1h", **window)["data"]
    assert (row["longUsers"], row["shortUsers"], row["interval"]) == (1, 2, "1h")
    rest.order("SELL", "2")
    [row] = rest.get(f"/symbol-long-short/{AAPL}", interval="1h", **window)["data"]
    assert (row["longUsers"], row["shortUsers"]) == (0, 2)


def test_the_underlier_has_four_prices(rest: Rest) -> None:
    align(rest)
    for price in (340, 350, 320, 330):
        rest.sim.set_mark_price(AAPL, price)
        rest.sim.advance(60)
    [row] = rest.get(f"/underlier/{AAPL}", interval="1h", **rest.window(before=0))["data"]
    prices = [row[name] for name in ("openPrice", "highPrice", "lowPrice", "closePrice")]
    assert prices == [Decimal("336.19048495"), 350, 320, 330]


@pytest.mark.parametrize("path", ["symbol-long-short", "underlier"])
def test_unknown_intervals_are_a_bad_request(rest: Rest, path: str) -> None:
    rest.problem(400, f"/{path}/{AAPL}", params={"interval": "7h", **rest.window()})


def test_defillama_metrics_have_volume_and_open_interest(rest: Rest) -> None:
    align(rest)
    rest.order("BUY", "2")
    rest.sim.set_mark_price(AAPL, 340)
    rest.sim.advance(3600)
    rows = rest.get("/defillama/metrics", intervalMinutes=60, **rest.window(before=3600, after=0))["data"]
    assert rows[-1]["dailyVolumeUSD"] == Decimal("672.46")
    assert rows[-1]["openInterestAtEndUSD"] == 2 * 2 * 340
