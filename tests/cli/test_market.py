"""Market data commands need no credentials."""

from __future__ import annotations

import pytest

from qfex.sim import Simulator

from .conftest import Ask, Run


@pytest.fixture(autouse=True)
def without_keys(at_exchange: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QFEX_PUBLIC_KEY")
    monkeypatch.delenv("QFEX_SECRET_KEY")


def test_best_prices_and_book(ask: Ask, run: Run) -> None:
    best, book = ask("market", "bbo", "AAPL-USD"), ask("market", "book", "AAPL-USD")
    assert best["bid"]["price"] == book["bids"][0]["price"]
    assert best["ask"]["price"] == book["asks"][0]["price"]
    table = run("market", "book", "AAPL-USD", "--depth", "2").output
    assert book["bids"][1]["price"] in table and book["bids"][2]["price"] not in table
    assert best["ask"]["price"] in run("market", "bbo", "AAPL-USD").output


def test_mark_and_funding(ask: Ask, at_exchange: Simulator) -> None:
    at_exchange.set_mark_price("AAPL-USD", "340.5")
    assert ask("market", "mark", "AAPL-USD")["price"] == "340.5"
    assert ask("market", "funding", "AAPL-USD")["symbol"] == "AAPL-USD"


def test_candles(ask: Ask, at_exchange: Simulator) -> None:
    at_exchange.advance(120)
    rows = ask("market", "candles", "AAPL-USD", "--interval", "1MIN")
    assert rows and {row["symbol"] for row in rows} == {"AAPL-USD"}
    assert rows == sorted(rows, key=lambda row: row["start"])


def test_instruments(ask: Ask, run: Run) -> None:
    assert [row["symbol"] for row in ask("market", "instruments", "--symbol", "GOLD-USD")] == ["GOLD-USD"]
    assert "AAPL-USD" in run("market", "instruments").output
    assert "no such instrument" in run("market", "instruments", "--symbol", "NO-USD").output


def test_an_invalid_time_is_wrong_usage(run: Run) -> None:
    result = run("market", "candles", "AAPL-USD", "--start", "yesterday")
    assert result.exit_code == 2 and "yesterday" in result.output
