"""Market data: what is published, and when."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qfex.sim.feeds.market_data import MarketData

from .helpers import AAPL, INDEX, START, MarketHarness, Reader


def count_in(market: MarketHarness, reader: Reader, seconds: float) -> int:
    market.advance(seconds)
    return len(reader.take())


def test_level2_is_a_full_snapshot_every_half_second(market: MarketHarness, reader: Reader) -> None:
    market.order(market.buyer, "BUY", "2", "336.10")
    market.order(market.buyer, "BUY", "1.5", "336.12")
    market.order(market.seller, "SELL", "3", "336.20")
    first = reader.subscribe("level2")[1]
    assert first["bid"] == [["336.12", "1.5"], ["336.1", "2"]]
    assert first["ask"] == [["336.2", "3"]]
    assert first["sig_figs"] == 0
    assert count_in(market, reader, 0.4) == 0
    market.advance(0.1)
    [second] = reader.take()
    assert {**second, "sequence": 1, "time": None} == {**first, "time": None}
    assert count_in(market, reader, 4.5) == 9


def test_level2_has_twenty_levels_a_side(market: MarketHarness, reader: Reader) -> None:
    for tick in range(30):
        market.order(market.buyer, "BUY", "1", str(Decimal("336.00") - tick * Decimal("0.01")))
    plain, merged = reader.subscribe("level2", sig_figs=[0, 1])[1:]
    assert len(plain["bid"]) == 20
    assert (merged["bid"][0], merged["sig_figs"]) == (["336", "1"], 1)
    assert sum(Decimal(quantity) for _, quantity in merged["bid"]) == 30


def test_bbo_is_sent_periodically_if_it_changed(market: MarketHarness, reader: Reader) -> None:
    assert reader.subscribe("bbo")[1]["bid"] == []
    market.order(market.buyer, "BUY", "1", "336.00")
    market.order(market.buyer, "BUY", "2", "336.01")
    assert reader.take() == []
    market.advance(0.1)
    [bbo] = reader.take()
    assert (bbo["bid"], bbo["ask"]) == ([["336.01", "2"]], [])
    assert count_in(market, reader, 1) == 0


def test_a_change_behind_the_best_price_sends_no_bbo(market: MarketHarness, reader: Reader) -> None:
    market.order(market.buyer, "BUY", "1", "336.00")
    reader.subscribe("bbo")
    market.advance(0.1)
    reader.take()
    market.order(market.buyer, "BUY", "1", "335.00")
    assert count_in(market, reader, 0.5) == 0


def test_a_trade_is_sent_at_once(market: MarketHarness, reader: Reader) -> None:
    reader.subscribe("trade", symbols=(AAPL, INDEX))
    market.trade("1.5", "336.20", aggressor="SELL")
    [trade] = reader.take()
    assert len(trade.pop("trade_id")) == 36
    assert trade == {
        "sequence": 1,
        "type": "trade",
        "time": "2026-09-21T14:30:00.000000000Z",
        "symbol": AAPL,
        "size": "1.5",
        "price": "336.2",
        "side": "SELL",
        "execution_type": "T",
    }


def test_a_trade_updates_the_candles_of_all_intervals(market: MarketHarness, reader: Reader) -> None:
    reader.subscribe("candle", intervals=["1MIN", "1HOUR"])
    market.trade("1", "336.20")
    market.trade("2", "336.40")
    candles = reader.take()
    assert [candle["resolution"] for candle in candles] == ["1MIN", "1HOUR"] * 2
    last = candles[-1]
    assert (last["open"], last["high"], last["low"], last["close"]) == ("336.2", "336.4", "336.2", "336.4")
    assert (last["usdVolume"], last["trades"], last["start"]) == (1009, 2, "2026-09-21T14:00:00Z")
    assert "time" not in last


def test_a_new_candle_begins_without_trades(market: MarketHarness, reader: Reader) -> None:
    market.trade("1", "336.20")
    reader.subscribe("candle", intervals=["1MIN"])
    market.advance(59)
    assert [candle["start"] for candle in reader.take()] == ["2026-09-21T14:30:00Z"]
    market.advance(1)
    [candle] = reader.take()
    assert (candle["start"], candle["open"], candle["trades"]) == ("2026-09-21T14:31:00Z", "336.2", 0)
    assert count_in(market, reader, 30) == 0


def test_the_mark_price_is_sent_on_change_and_every_second(market: MarketHarness, reader: Reader) -> None:
    reader.subscribe("mark_price", symbols=(AAPL, INDEX))
    market.exchange.set_mark_price(AAPL, Decimal("340.5"))
    [moved] = reader.take()
    assert (moved["symbol"], moved["price"]) == (AAPL, "340.5")
    assert count_in(market, reader, 3) == 6


def test_the_underlier_has_the_source_of_its_price() -> None:
    for start, source in ((START, "external"), (START + 7 * 3600, "internal")):
        market = MarketHarness(start=start)
        reader = Reader(MarketData(market.exchange, market.clock))
        assert reader.subscribe("underlier")[1]["source"] == source
        assert count_in(market, reader, 3) == 3


def test_funding_is_sent_every_minute_and_on_subscription(
    market: MarketHarness, market_data: MarketData
) -> None:
    market.exchange.set_funding_rate(AAPL, Decimal("0.0000057"))
    market.advance(60)
    market.advance(43)
    first = Reader(market_data).subscribe("funding")[1]
    assert first["time"] == "2026-09-21T14:31:00.000000000Z"
    assert first["time_remaining"] == 29 * 60
    assert (first["funding_rate"], first["annualised_funding_rate"]) == ("0.00001", "0.0345")


def test_funding_counts_down_to_the_hour(market: MarketHarness, reader: Reader) -> None:
    reader.subscribe("funding")
    market.advance(29 * 60)
    assert [message["time_remaining"] for message in reader.take()][-1] == 60
    market.advance(60)
    assert reader.take()[-1]["time_remaining"] == 3600


def test_open_interest_and_bands_are_sent_when_they_change(market: MarketHarness, reader: Reader) -> None:
    _, interest, band = reader.subscribe("open_interest", "minmax_price")
    assert interest["open_interest"] == "0"
    market.advance(3)
    reader.take()
    market.trade("1.5", "336.20")
    market.exchange.set_mark_price(AAPL, Decimal(340))
    market.advance(1)
    interest, moved = reader.take()
    assert interest["open_interest"] == "1.5"
    assert Decimal(moved["min_price"]) > Decimal(band["min_price"])
    assert (moved["min_price"], moved["max_price"]) == ("323", "357")


def test_market_stats_are_sent_every_second(market: MarketHarness, reader: Reader) -> None:
    market.order(market.buyer, "BUY", "1", "336.00")
    snapshot = reader.subscribe("market_stats", symbols=("*",))[1]
    market.trade("1.5", "336.20")
    market.advance(2)
    first, second = reader.take()
    assert (first["sequence"], second["sequence"]) == (2, 3)
    assert snapshot["bbos"][0]["bid"] == [["336", "1"]]
    assert snapshot["daily_volumes"] == [{"symbol": AAPL, "volume": "0"}, {"symbol": INDEX, "volume": "0"}]
    assert first["daily_volumes"][0]["volume"] == "1.5"
    assert first["open_interests"][0]["open_interest"] == "1.5"
    assert [mark["symbol"] for mark in first["mark_prices"]] == [AAPL, INDEX]


def test_daily_volumes_start_again_at_eight_in_chicago(market: MarketHarness, reader: Reader) -> None:
    market.trade("1.5", "336.20")
    reader.subscribe("market_stats")
    until_reset = 10.5 * 3600
    market.advance(until_reset - 1)
    assert reader.take()[-1]["daily_volumes"][0]["volume"] == "1.5"
    market.advance(1)
    assert reader.take()[-1]["daily_volumes"][0]["volume"] == "0"


@pytest.mark.parametrize("channel", ["level2", "bbo", "trade", "mark_price", "candle", "market_stats"])
def test_nothing_is_sent_after_unsubscribing(market: MarketHarness, reader: Reader, channel: str) -> None:
    options = {"intervals": ["1MIN"]} if channel == "candle" else {}
    reader.subscribe(channel, **options)
    reader.unsubscribe(channel, **options)
    market.trade("1", "336.20")
    market.exchange.set_mark_price(AAPL, Decimal(340))
    assert count_in(market, reader, 5) == 0


def test_nothing_is_sent_after_the_connection_ends(market: MarketHarness, reader: Reader) -> None:
    reader.subscribe("trade", "level2")
    reader.session.close()
    reader.take()
    market.trade("1", "336.20")
    assert count_in(market, reader, 5) == 0


def test_the_sequence_is_continuous_over_all_channels(market: MarketHarness, reader: Reader) -> None:
    reader.subscribe("bbo", "trade", "level2", "mark_price", symbols=("*",))
    frames = []
    for step in range(20):
        market.trade("1", "336.20", symbol=AAPL)
        market.order(market.buyer, "BUY", "0.1", str(30000 + step), symbol=INDEX)
        market.advance(0.3)
        frames += reader.take()
    assert [frame["sequence"] for frame in frames] == list(range(7, 7 + len(frames)))
    assert {frame["type"] for frame in frames} == {"bbo", "trade", "level2", "mark_price"}
