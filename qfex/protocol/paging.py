"""Reading a list in pages while it changes: nothing is skipped, nothing comes twice.

A list is read by offsets, which count its rows at the moment of the request. Rows that appear in front shift the others to
higher offsets, so that a page may begin with rows, or hold only rows, that are known already. Rows that vanish shift the
others to lower offsets, past the place from which the next page is read.

::

    t1  page at 0 of  a b c d e f    ->  a b c
    t2  a and b end:  c d e f
    t3  page at 3 of  c d e f        ->  f             d and e are never seen

So where rows may vanish, a page is asked for from a few rows before the end of the last one. If it holds any row that is
known, it continues what was read: the rows after that one are complete, and those before it were read or have just
appeared. If it holds none, rows may have been skipped, and an earlier page is asked for until one continues.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from ..errors import QfexError

_RowT = TypeVar("_RowT")

_OVERLAP = 5  # rows, so that the end of one of them does not make a page look unconnected
_MAX_STEPS_BACK = 50  # in the reading of one list
_MAX_SAME_PAGES = 100  # in a row; an exchange that ignores the offset sends the same page for ever


class Pages(Generic[_RowT]):
    """Which page of a list to ask for next, and which rows of a page are new.

    ::

        pages = Pages(lambda row: row.order_id, page_size=1000, rows_vanish=True)
        while not pages.done:
            yield from pages.take(ask(limit=pages.limit, offset=pages.offset))

    The list ends at a page without rows. A short page is not the end, since the exchange may send fewer rows than
    requested, and a page of known rows is not either.

    Every row that is in the list from the first request to the last comes exactly once, if the rows keep their order.
    Those that come or go meanwhile come once or not at all.

    Parameters
    ----------
    key : callable
        What identifies a row.
    page_size : int
        Rows to ask for at a time.
    rows_vanish : bool
        Whether rows may leave the list, as open orders do. Rows of a history stay.

    Attributes
    ----------
    limit, offset : int
        What to ask for next.
    done : bool
        Whether the list has been read to its end.
    """

    def __init__(self, key: Callable[[_RowT], Hashable], page_size: int, *, rows_vanish: bool) -> None:
        self._key = key
        self._rows_vanish = rows_vanish
        self._seen: set[Hashable] = set()
        self._overlap = 0  # rows before the end of the last page from which the next one is asked for
        self._connects = True  # whether the next page continues the last one, whatever it holds
        self._step_back = page_size
        self._steps_back = self._same_pages = 0
        self._last_page: list[Hashable] = []
        self.limit = page_size if not rows_vanish else max(page_size, 2)
        self.offset = 0
        self.done = False

    def take(self, rows: Sequence[_RowT], count: int | None = None) -> list[_RowT]:
        """Take the page that was asked for and return its new rows.

        Parameters
        ----------
        rows : sequence
            The rows of the page that can be read.
        count : int, optional
            The number of all of its rows, if there are others.

        Raises
        ------
        QfexError
            If the list changes faster than it can be read.
        """
        size = len(rows) if count is None else count
        keys = list(map(self._key, rows))
        if not self._connects and self._seen.isdisjoint(keys):
            self._go_back()
            return []
        fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._seen}
        self._seen.update(fresh)
        self.done = not size or self._repeats(keys)
        self._go_on(size, at_end=not fresh and size <= self._overlap)
        return list(fresh.values())

    def _repeats(self, page: list[Hashable]) -> bool:
        self._same_pages = self._same_pages + 1 if page == self._last_page else 0
        self._last_page = page
        return self._same_pages >= _MAX_SAME_PAGES

    def _go_on(self, size: int, at_end: bool) -> None:
        """Ask for what follows. At the end of the list, the page beyond it should be empty."""
        self._overlap = min(_OVERLAP, size // 2) if self._rows_vanish and not at_end else 0
        self.offset += size - self._overlap
        self._connects = not self._overlap
        self._step_back = self.limit

    def _go_back(self) -> None:
        self._steps_back += 1
        if self._steps_back > _MAX_STEPS_BACK:
            raise QfexError("the list changes faster than it can be read")
        self.offset = max(0, self.offset - self._step_back)
        self._step_back *= 2
        self._overlap, self._connects = 0, self.offset == 0
