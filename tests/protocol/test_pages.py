"""Lists that are read page by page while they change: nothing that was there all the time is skipped or doubled."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import Fill, Order, Side, UserTrade
from qfex.protocol.trade.fills import FillLog, TradePages
from qfex.protocol.trade.orders import OrderPages

from .in_flight import AAPL, order

# --- live orders -------------------------------------------------------------------------------------------------


def page_of(ids: list[str], size: int, offset: int) -> list[Order]:
    return [order(order_id=order_id) for order_id in ids[offset : offset + size]]


@given(st.data(), st.integers(2, 5), st.booleans())
def test_an_order_that_is_live_all_the_time_is_listed_once(
    data: st.DataObject, size: int, size_is_known: bool
) -> None:
    live = [f"o{number}" for number in range(data.draw(st.integers(0, 12)))]
    always, ever, listed = set(live), set(live), list[str]()
    pages = OrderPages(full=size if size_is_known else 0)
    changes = data.draw(st.integers(0, OrderPages.MAX_RESTARTS - 1))
    while not pages.is_complete:
        listed += [each.order_id for each in pages.add(page_of(live, size, pages.offset))]
        for _ in range(data.draw(st.integers(0, 3))):  # orders end or appear between two pages
            if not changes:
                break
            changes -= 1
            if live and data.draw(st.booleans()):
                always.discard(live.pop(data.draw(st.integers(0, len(live) - 1))))
            else:
                live.insert(data.draw(st.integers(0, len(live))), f"x{changes}")
                ever.add(f"x{changes}")
    assert len(listed) == len(set(listed))
    assert always <= set(listed) <= ever


@pytest.mark.parametrize("full, requests", [(3, 1), (0, 2)])
def test_a_short_page_is_the_last_one_where_the_size_of_a_full_page_is_known(
    full: int, requests: int
) -> None:
    pages, asked = OrderPages(full), 0
    while not pages.is_complete:
        pages.add(page_of(["a", "b"], 3, pages.offset))
        asked += 1
    assert asked == requests


def test_a_list_that_never_stands_still_is_read_to_an_end_all_the_same() -> None:
    pages, number = OrderPages(), 0
    while not pages.is_complete:
        number += 1
        # Each page is of other orders, and beyond a hundred the list is at its end.
        pages.add([order(order_id=f"p{number}-{row}") for row in range(2)] if number < 100 else [])
        assert number <= 100
    assert number == 100


def test_each_page_begins_with_the_last_row_of_the_one_before() -> None:
    pages, ids = OrderPages(), ["a", "b", "c", "d", "e"]
    offsets = []
    while not pages.is_complete:
        offsets.append(pages.offset)
        pages.add(page_of(ids, 3, pages.offset))
    assert offsets == [0, 2, 4]


# --- trades ------------------------------------------------------------------------------------------------------


def trade(number: int) -> UserTrade:
    return UserTrade(f"t{number}", AAPL, D(180), D(1), Side.BUY, f"o{number}")


def live_fill(number: int) -> Fill:
    return Fill(f"t{number}", f"o{number}", AAPL, Side.BUY, D(180), D(1))


class Archive:
    """A trade history, newest or oldest first, to which trades are added while it is read."""

    def __init__(self, *, newest_first: bool, size: int) -> None:
        self.newest_first, self.size = newest_first, size
        self.trades: list[UserTrade] = []

    def page(self, offset: int) -> list[UserTrade]:
        rows = self.trades[::-1] if self.newest_first else self.trades
        return rows[offset : offset + self.size]


@given(st.data(), st.booleans(), st.integers(1, 4))
def test_all_fills_that_were_missed_are_found_in_order_while_trades_happen(
    data: st.DataObject, newest_first: bool, size: int
) -> None:
    archive, log = Archive(newest_first=newest_first, size=size), FillLog()
    before, missed = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 8))
    archive.trades = [trade(number) for number in range(before)]
    log.set_baseline(archive.trades)
    archive.trades += [trade(before + number) for number in range(missed)]
    log.hold()
    pages, done = TradePages(), False
    while not done:
        done = pages.add(archive.page(pages.offset), log)
        # Fewer than a page between two pages: otherwise the next page would be the one that was just read.
        for _ in range(data.draw(st.integers(0, size - 1)) if len(archive.trades) < 20 else 0):
            number = len(archive.trades)
            archive.trades.append(trade(number))
            assert log.live(live_fill(number)) == []
    delivered = [*log.missed(pages.rows), *log.release()]
    assert [fill.trade_id for fill in delivered] == [row.trade_id for row in archive.trades[before:]]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("missed", [999, 1000, 1001, 2500])
def test_more_fills_than_a_page_holds_are_found(newest_first: bool, missed: int) -> None:
    archive, log = Archive(newest_first=newest_first, size=1000), FillLog()
    archive.trades = [trade(number) for number in range(700)]
    log.set_baseline(archive.trades)
    archive.trades += [trade(700 + number) for number in range(missed)]
    pages, requests = TradePages(), 1
    while not pages.add(archive.page(pages.offset), log):
        requests += 1
    assert [fill.trade_id for fill in log.missed(pages.rows)] == [f"t{700 + n}" for n in range(missed)]
    if newest_first:  # only as far as something is known
        assert requests <= missed // 1000 + 1


def test_a_history_that_is_oldest_first_is_read_to_its_end_however_much_of_it_is_known() -> None:
    archive, log = Archive(newest_first=False, size=2), FillLog()
    archive.trades = [trade(number) for number in range(5)]
    log.set_baseline(archive.trades)
    archive.trades.append(trade(5))
    pages = TradePages()
    while not pages.add(archive.page(pages.offset), log):
        pass
    assert [fill.trade_id for fill in log.missed(pages.rows)] == ["t5"]


def test_an_empty_page_is_the_last_one() -> None:
    log, pages = FillLog(), TradePages()
    log.set_baseline([])
    assert not pages.add([trade(1)], log)
    assert pages.add([], log)


def test_as_many_trades_as_a_page_has_while_it_is_read_end_nothing() -> None:
    log, pages = FillLog(), TradePages()
    log.set_baseline([trade(0)])
    assert not pages.add([trade(4), trade(3)], log)
    assert not pages.add(
        [trade(4), trade(3)], log
    )  # two trades happened, which shifted these to the second page
    assert pages.add([trade(2), trade(0)], log)
    assert [row.trade_id for row in log.missed(pages.rows)] == ["t2", "t3", "t4"]


def test_two_pages_without_anything_new_are_the_end() -> None:
    log, pages = FillLog(), TradePages()
    log.set_baseline([])
    assert not pages.add([trade(1)], log)
    assert not pages.add([trade(1)], log)
    assert pages.add([trade(1)], log) and pages.rows == [trade(1)]


def test_an_exchange_that_ignores_the_offset_is_asked_until_it_says_nothing_new() -> None:
    """Its page begins with the trades that have happened meanwhile."""
    log, pages = FillLog(), TradePages()
    log.set_baseline([trade(0)])
    assert not pages.add([trade(3), trade(2)], log)
    for _ in range(2):
        assert not pages.add([trade(4), trade(3), trade(2)], log)
    assert pages.add([trade(4), trade(3), trade(2)], log)
    assert pages.rows == [trade(4), trade(3), trade(2)]
