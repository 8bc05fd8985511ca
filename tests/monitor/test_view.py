"""Pictures of the monitor, which are pure functions of a snapshot."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from rich.console import Console

from qfex import (
    Balance,
    ConnectionState,
    Fill,
    Level,
    MarkPrice,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    Side,
)
from qfex.enums import OrderType, TimeInForce
from qfex.models.connection import Stats
from qfex.monitor import Snapshot, render
from qfex.monitor.board import LogEntry

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def drawn(snapshot: Snapshot, width: int = 120, height: int = 36) -> str:
    console = Console(width=width, height=height, file=io.StringIO(), record=True, force_terminal=True)
    console.print(render(snapshot, width))
    return console.export_text()


def snapshot(**changes: Any) -> Snapshot:
    members: dict[str, Any] = {
        "title": "QFEX sim",
        "time": NOON,
        "symbol": "AAPL-USD",
        "trade_state": ConnectionState.READY,
        "market_state": ConnectionState.READY,
    }
    return Snapshot(**{**members, **changes})


def test_an_empty_account_is_drawn() -> None:
    text = drawn(snapshot())
    for words in (
        "QFEX sim",
        "trade ready",
        "market data ready",
        "none",
        "none yet",
        "waiting for the first book",
    ):
        assert words in text


def test_everything_is_shown() -> None:
    order = Order(
        "11111111-2222", "", "AAPL-USD", OrderStatus.ACK, Side.BUY, OrderType.LIMIT, TimeInForce.GTC,
        quantity=Decimal("5.0"), quantity_remaining=Decimal("3.5"), price=Decimal("330.0"),
    )  # fmt: skip
    text = drawn(
        snapshot(
            balance=Balance(available_balance=Decimal(90_000), position_margin=Decimal(10_000)),
            positions={
                "GOLD-USD": Position("GOLD-USD", Decimal("-1.5"), Decimal("4192.5")),
                "X": Position("X-USD"),
            },
            orders={order.order_id: order},
            fills=(Fill("t", "o", "NVDA-USD", Side.SELL, Decimal("230.40"), Decimal("7"), time=NOON),),
            book=OrderBook(
                "AAPL-USD", [Level(Decimal("336.12"), Decimal(61))], [Level(Decimal("336.19"), Decimal(87))]
            ),
            mark=MarkPrice("AAPL-USD", Decimal("336.15")),
            log=(LogEntry(NOON, "trade reconnecting: the peer closed the connection", True),),
            stats=Stats(sent=12, received=34, reconnects=2, round_trip_p50=0.0015),
        )
    )
    for words in (
        "equity 100,000.00", "GOLD-USD", "-1.5", "4192.5", "3.5 of 5", "330", "11111111", "NVDA-USD", "SELL", "336.12",
        "mark 336.15", "spread 0.07", "the peer closed", "reconnects 2", "1.5 ms",
    ):  # fmt: skip
        assert words in text, words
    assert "X-USD" not in text, "a closed position is not shown"


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (99, 50), (100, 24), (200, 60), (20, 5)])
def test_the_picture_has_exactly_the_size_of_the_terminal(size: tuple[int, int]) -> None:
    fills = tuple(
        Fill(str(n), "o", "AAPL-USD", Side.BUY, Decimal(n), Decimal(1), time=NOON) for n in range(1, 60)
    )
    lines = drawn(snapshot(fills=fills), *size).splitlines()
    assert len(lines) == size[1]
    assert {len(line) for line in lines} == {size[0]}


def test_an_order_book_with_one_side_is_drawn() -> None:
    book = OrderBook("AAPL-USD", [], [Level(Decimal("336.19"), Decimal(87))])
    text = drawn(snapshot(book=book))
    assert "336.19" in text and "spread" not in text


def test_the_same_snapshot_gives_the_same_picture() -> None:
    first = snapshot(time=NOON + timedelta(seconds=1))
    assert drawn(first) == drawn(attrs.evolve(first)) != drawn(snapshot())
