"""Lists that change while they are read in pages: nothing is skipped, nothing comes twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfex import QfexError
from qfex.protocol.paging import Pages


class Listing:
    """A list of the exchange, and what happens to it between two requests.

    Parameters
    ----------
    rows : list of int
        The rows at the first request.
    changes : list
        What to do before each further request: a pair of places between which rows vanish, or how many rows appear in
        front, or at the end.
    cap : int
        The most rows that one page holds, whatever the limit.
    """

    def __init__(self, rows: list[int], changes: list[tuple[str, int, int]], cap: int = 1000) -> None:
        self.rows = rows
        self.stayed = set(rows)
        self.asked: list[int] = []
        self._changes = iter(changes)
        self._cap = cap
        self._new = iter(range(10_000, 100_000))

    def page(self, limit: int, offset: int) -> list[int]:
        if self.asked:
            self._change()
        self.asked.append(offset)
        return self.rows[offset : offset + min(limit, self._cap)]

    def _change(self) -> None:
        kind, first, second = next(self._changes, ("nothing", 0, 0))
        if kind == "vanish":
            low, high = sorted((first % (len(self.rows) + 1), second % (len(self.rows) + 1)))
            self.stayed -= set(self.rows[low:high])
            del self.rows[low:high]
        elif kind == "in front":
            self.rows[:0] = [next(self._new) for _ in range(first % 8)]
        elif kind == "at the end":
            self.rows += [next(self._new) for _ in range(first % 8)]

    def read(self, page_size: int, rows_vanish: bool = True) -> Iterator[int]:
        pages: Pages[int] = Pages(lambda row: row, page_size, rows_vanish=rows_vanish)
        while not pages.done:
            yield from pages.take(self.page(pages.limit, pages.offset))


PLACES = st.integers(0, 200)


def changes(*kinds: str) -> st.SearchStrategy[list[tuple[str, int, int]]]:
    return st.lists(st.tuples(st.sampled_from(kinds), PLACES, PLACES), max_size=12)


@settings(max_examples=500)
@given(
    st.integers(0, 120), changes("nothing", "vanish", "in front", "at the end"), st.integers(1, 30), st.integers(2, 40)
)  # fmt: skip
def test_every_row_that_stays_comes_exactly_once(
    size: int, happens: list[tuple[str, int, int]], page_size: int, cap: int
) -> None:
    listing = Listing(list(range(size)), happens, cap)
    read = list(listing.read(page_size))
    assert len(read) == len(set(read))
    assert listing.stayed <= set(read)


@settings(max_examples=200)
@given(
    st.integers(0, 120), changes("nothing", "in front", "at the end"), st.integers(1, 30), st.integers(1, 40)
)
def test_every_row_of_a_growing_history_comes_exactly_once(
    size: int, happens: list[tuple[str, int, int]], page_size: int, cap: int
) -> None:
    listing = Listing(list(range(size)), happens, cap)
    read = list(listing.read(page_size, rows_vanish=False))
    assert len(read) == len(set(read))
    assert set(range(size)) <= set(read)


def test_orders_that_end_do_not_hide_those_behind_them() -> None:
    listing = Listing(list("abcdef"), [("vanish", 0, 2)])  # type: ignore[arg-type]
    assert set(listing.read(3)) == set("abcdef")  # type: ignore[comparison-overlap]


def test_a_page_of_known_rows_is_not_the_end() -> None:
    listing = Listing(list(range(6)), [("in front", 2, 0)])
    assert list(listing.read(2, rows_vanish=False)) == [0, 1, 2, 3, 4, 5]
    assert listing.asked == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("size", [0, 1, 2, 7, 20])
def test_a_list_that_does_not_change_takes_two_requests_more_than_it_has_pages(size: int) -> None:
    listing = Listing(list(range(size)), [])
    assert list(listing.read(100)) == list(range(size))
    assert len(listing.asked) <= 3


def test_rows_that_cannot_be_read_count_as_rows() -> None:
    pages: Pages[int] = Pages(lambda row: row, 2, rows_vanish=False)
    assert pages.take([], 2) == [] and not pages.done and pages.offset == 2
    assert pages.take([3], 2) == [3] and pages.offset == 4
    assert pages.take([], 0) == [] and pages.done


def test_an_exchange_that_ignores_the_offset_does_not_keep_the_reader_for_ever() -> None:
    pages: Pages[int] = Pages(lambda row: row, 2, rows_vanish=False)
    read: list[int] = []
    while not pages.done:
        read += pages.take([1, 2])
    assert read == [1, 2]


def test_a_list_that_changes_faster_than_it_can_be_read_is_an_error() -> None:
    pages: Pages[int] = Pages(lambda row: row, 10, rows_vanish=True)
    with pytest.raises(QfexError, match="faster"):
        for first in range(0, 10_000, 10):
            pages.take(list(range(first, first + 10)) if pages.offset == 0 or first % 20 else [])
