"""The live market in the terminal."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from rich.console import Console

from qfex.demo import market
from qfex.demo.charts import book_ladder, candle_chart
from qfex.enums import CandleInterval
from qfex.models.market import Candle, Level, OrderBook

NOON = datetime(2026, 10, 10, 12, tzinfo=timezone.utc)


def candle(minute: int, *prices: str) -> Candle:
    opens, high, low, close = map(Decimal, prices)
    start = NOON + timedelta(minutes=minute)
    return Candle("A", CandleInterval.ONE_MINUTE, start, opens, high, low, close, Decimal(0))


def drawn(thing: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_candles_have_bodies_and_wicks() -> None:
    lines = drawn(
        candle_chart([candle(0, "2", "10", "0", "6"), candle(1, "6", "6", "6", "6")], 40, 10)
    ).splitlines()
    first = [line[6] for line in lines if line.strip()]
    second = [line[8:9] for line in lines if line.strip()]
    assert "".join(first) == "││││████││"
    assert "█" in second
    assert [line[:5].strip() for line in lines][0] == "9.50"


def test_a_chart_keeps_its_size() -> None:
    many = [candle(minute, "5", "9", "1", "6") for minute in range(500)]
    lines = drawn(candle_chart(many, 60, 12)).splitlines()
    assert len([line for line in lines if line.strip()]) == 12
    assert max(len(line.rstrip()) for line in lines) <= 60


def test_a_market_that_stands_still_can_be_drawn() -> None:
    assert "█" in drawn(candle_chart([candle(0, "5", "5", "5", "5")], 40, 6))


@pytest.mark.parametrize("sides", [(3, 3), (0, 3), (3, 0), (0, 0)])
def test_books_with_empty_sides_can_be_drawn(sides: tuple[int, int]) -> None:
    bids, asks = ([Level(Decimal(price), Decimal(1)) for price in range(10, 10 + count)] for count in sides)
    text = drawn(book_ladder(OrderBook("A", bids, asks), 5))
    assert "A order book" in text
    assert ("spread" in text) == (sides == (3, 3))


def test_it_runs_against_the_simulator() -> None:
    console = Console(file=io.StringIO(), width=160, force_terminal=True)
    view = market.run(1.5, console)
    text = drawn(view, 160)
    assert "AAPL-USD order book" in text
    assert "spread" in text
    assert "█" in text


def test_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []
    monkeypatch.setattr(market, "run", lambda seconds, console: shown.append(seconds))
    assert market.main(["--seconds", "2.5"]) == 0
    assert shown == [2.5]
