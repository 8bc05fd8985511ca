"""Charts for a terminal: candles and an order book."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.style import Style
from rich.table import Table
from rich.text import Text

from ..models.market import Candle, Level, OrderBook

UP, DOWN, FADED = Style(color="green"), Style(color="red"), Style(dim=True)
_BODY, _WICK, _EMPTY = "█", "│", " "
_BAR = "▉"
_BAR_WIDTH = 10


def candle_chart(candles: Sequence[Candle], width: int, height: int) -> Text:
    """Draw candles with the newest on the right and prices on the left.

    Parameters
    ----------
    candles : sequence of Candle
        Oldest first. If they do not all fit, only the newest are drawn.
    width, height : int
        In characters.
    """
    low, high = _range(candles)
    label = len(_price(high)) + 1
    shown = candles[-max(1, (width - label) // 2) :]
    chart = Text(no_wrap=True, overflow="crop")
    for row in range(height):
        top, bottom = (high - (high - low) * edge / height for edge in (row, row + 1))
        chart.append(f"{_price((top + bottom) / 2):>{label - 1}} ", FADED)
        for candle in shown:
            mark = _mark(candle, bottom, top)
            chart.append(f"{mark} ", UP if candle.close >= candle.open else DOWN)
        chart.append("\n")
    return chart


def _range(candles: Sequence[Candle]) -> tuple[Decimal, Decimal]:
    """Return the price range of the chart, which is never empty."""
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    return (low, high) if low < high else (low * Decimal("0.999"), high * Decimal("1.001"))


def _mark(candle: Candle, bottom: Decimal, top: Decimal) -> str:
    """Return the character for the part of a candle between two prices: body, wick or nothing."""
    first, last = sorted((candle.open, candle.close))
    middle = (bottom + top) / 2
    if first <= top and last >= bottom and (first <= middle <= last or last - first <= top - bottom):
        return _BODY
    return _WICK if candle.low <= top and candle.high >= bottom else _EMPTY


def _price(price: Decimal) -> str:
    return f"{price:.2f}"


def book_ladder(book: OrderBook, depth: int) -> Table:
    """Draw the best levels of an order book, asks above bids, with a bar for each quantity."""
    table = Table("", "quantity", "price", "quantity", "", title=f"{book.symbol} order book", box=None)
    for column, side in zip(table.columns, ("right", "right", "center", "left", "left"), strict=True):
        column.justify, column.no_wrap = side, True  # type: ignore[assignment]
    levels = [*book.bids[:depth], *book.asks[:depth]]
    largest = max((level.quantity for level in levels), default=Decimal(1))
    for level in reversed(book.asks[:depth]):
        table.add_row("", "", Text(str(level.price), DOWN), str(level.quantity), _bar(level, largest, DOWN))
    if book.bids and book.asks:
        spread = book.asks[0].price - book.bids[0].price
        table.add_row("", "", Text(f"spread {spread}", FADED), "", "")
    for level in book.bids[:depth]:
        table.add_row(_bar(level, largest, UP), str(level.quantity), Text(str(level.price), UP), "", "")
    return table


def _bar(level: Level, largest: Decimal, style: Style) -> Text:
    return Text(_BAR * max(1, round(_BAR_WIDTH * level.quantity / largest)), style)
