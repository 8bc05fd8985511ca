"""Instruments and sessions from the reference data."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest

from qfex.sim.engine import Exchange, Instrument, load_instruments
from qfex.sim.engine.sessions import Calendar
from qfex.sim.engine.timers import Timers

from .helpers import NOON


def at(symbol: str, text: str) -> str:
    """Return the session of a symbol at a local time of its exchange."""
    [instrument] = load_instruments([symbol])
    zone = ZoneInfo(instrument.row["market_hours"]["tz"])
    return instrument.session(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def test_the_packaged_rows_are_read() -> None:
    instruments = {instrument.symbol: instrument for instrument in load_instruments()}
    assert list(instruments)[:2] == ["CL-USD", "NVDA-USD"]
    assert len(instruments) == 11
    apple = instruments["AAPL-USD"]
    assert (apple.tick_size, apple.lot_size, apple.min_quantity) == (D("0.01"), D("0.001"), D("0.01"))
    assert (apple.index_price, apple.band_width) == (D("336.19048495"), D("0.05"))
    assert (apple.category, apple.status, apple.max_leverage) == ("EQUITY", "ACTIVE", 10)
    assert instruments["BRK.B-USD"].base_asset == "BRK.B"
    assert instruments["NOK-USD"].status == "INACTIVE"


@pytest.mark.parametrize(
    ("symbol", "width"),
    [("CL-USD", "0.033"), ("GOLD-USD", "0.0165"), ("US500-USD", "0.033"), ("SAMSUNG-KRW", "0.1")],
)
def test_bands_are_as_wide_as_captured(symbol: str, width: str) -> None:
    assert load_instruments([symbol])[0].band_width == D(width)


def test_instruments_are_loaded_in_the_requested_order() -> None:
    assert [instrument.symbol for instrument in load_instruments(["TSLA-USD", "CL-USD"])] == [
        "TSLA-USD",
        "CL-USD",
    ]
    with pytest.raises(KeyError):
        load_instruments(["ENRON-USD"])


def test_prices_start_on_the_grid_around_the_index() -> None:
    exchange = Exchange(start=NOON)
    assert (exchange.index_price("US100-USD"), exchange.mark_price("US100-USD")) == (
        D("30916.21518223"),
        30916,
    )
    assert exchange.mark_price("SKHYNIX-KRW") == 1_648_600


@pytest.mark.parametrize(
    ("symbol", "moment", "session"),
    [
        ("AAPL-USD", "2026-10-06T03:59:59", "overnight"),
        ("AAPL-USD", "2026-10-06T04:00:00", "pre_market"),
        ("AAPL-USD", "2026-10-06T09:29:59", "pre_market"),
        ("AAPL-USD", "2026-10-06T09:30:00", "open"),
        ("AAPL-USD", "2026-10-06T16:00:00", "post_market"),
        ("AAPL-USD", "2026-10-06T19:59:59.500000", "post_market"),
        ("AAPL-USD", "2026-10-06T20:00:00", "overnight"),
        ("AAPL-USD", "2026-10-09T20:00:00", "weekend"),
        ("AAPL-USD", "2026-10-11T19:59:59", "weekend"),
        ("AAPL-USD", "2026-10-11T20:00:00", "overnight"),
        ("CL-USD", "2026-10-06T16:30:00", "overnight"),
        ("CL-USD", "2026-10-06T17:00:00", "open"),
        ("SKHYNIX-KRW", "2026-10-09T10:00:00", "close"),
    ],
)
def test_sessions(symbol: str, moment: str, session: str) -> None:
    assert at(symbol, moment) == session


def test_days_as_single_objects_and_unknown_zones_are_read() -> None:
    calendar = Calendar({"tz": "Mars/Olympus", "tuesday": {"open": "09:00:00", "close": "17:00:00"}})
    assert calendar.session(NOON) == "open"
    assert calendar.session(NOON + 86_400) == "overnight"


@pytest.mark.parametrize(
    ("price", "floor", "ceiling", "nearest"),
    [("30916.2", 30916, 30917, 30916), ("30916.8", 30916, 30917, 30917), ("30916", 30916, 30916, 30916)],
)
def test_prices_are_rounded_to_the_grid(price: str, floor: int, ceiling: int, nearest: int) -> None:
    instrument: Instrument = load_instruments(["US100-USD"])[0]
    assert instrument.floor_price(D(price)) == floor
    assert instrument.ceil_price(D(price)) == ceiling
    assert instrument.round_price(D(price)) == nearest


def test_timers_run_in_time_order_and_then_in_the_order_they_were_set() -> None:
    exchange = Exchange(load_instruments(["CL-USD"]), start=NOON)
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, exchange.now - NOON))

    exchange.at(NOON + 2, lambda: note("late"))
    exchange.at(NOON + 1, lambda: note("first"))
    exchange.at(NOON + 1, lambda: note("second"))
    exchange.at(NOON + 1, lambda: note("never")).cancel()
    assert exchange.next_due() == NOON + 1
    exchange.advance(1)
    assert seen == [("first", 1), ("second", 1)]
    exchange.advance(10)
    assert seen[2:] == [("late", 2)]
    assert exchange.now == NOON + 11


def test_an_empty_queue_of_timers_is_never_due() -> None:
    timers = Timers()
    timers.at(1, lambda: None).cancel()
    assert timers.next_due() is None
    assert timers.pop_due(10) is None
