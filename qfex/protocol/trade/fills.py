"""Each fill once, in order, outages included.

Fills come live, and after an outage from the account's trade history. A trade is known by its trade id and order id,
since both sides of a trade share the first. What the history held before fills were first subscribed is the baseline:
it is never delivered as new.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain, takewhile

from ...models.orders import Fill, UserTrade

_REMEMBERED = 100_000  # fills; far more than one page of history holds
_NAMES_REMEMBERED = 10_000  # client order ids

Key = tuple[str, str]


class FillLog:
    """Which fills were delivered already."""

    def __init__(self) -> None:
        self._delivered: OrderedDict[Key, None] = OrderedDict()
        self._baseline: set[Key] = set()
        self._held: list[Fill] | None = None
        self._by_client_order_id: OrderedDict[str, dict[str, Decimal]] = OrderedDict()
        self._oldest_first: bool | None = None
        self._beginning: Key | None = None
        self.has_baseline = False

    # --- live fills --------------------------------------------------------------------------------------------

    def live(self, fill: Fill) -> list[Fill]:
        """Take a live fill; what may be delivered now. During a resync it is held back, behind what was missed."""
        if self._held is not None:
            self._held.append(fill)
            return []
        return self._new([fill])

    def hold(self) -> None:
        """Hold live fills back until `release`."""
        self._held = self._held or []

    def release(self) -> list[Fill]:
        """Fills that were held back and were not delivered meanwhile."""
        held, self._held = self._held or [], None
        return self._new(held)

    def traded_under(self, client_order_id: str, other_than: str) -> tuple[str, Decimal]:
        """The newest order of a client order id that traded, other than a given one, and its traded quantity."""
        orders = self._by_client_order_id.get(client_order_id, {}) if client_order_id else {}
        found = [(order_id, quantity) for order_id, quantity in orders.items() if order_id != other_than]
        return found[-1] if found else ("", Decimal(0))

    # --- the past ----------------------------------------------------------------------------------------------

    def set_baseline(self, rows: Iterable[UserTrade]) -> None:
        """Note what was traded before fills were subscribed."""
        self._baseline = {_key(row) for row in rows} - self._delivered.keys()
        self.has_baseline = True

    def note_beginning(self, row: UserTrade) -> None:
        """Note with which row the history began before fills were subscribed: it tells in which order the history is."""
        if not self._delivered:
            self._beginning = _key(row)

    def drop_baseline(self) -> None:
        """Note that fills are not subscribed any more: what is traded from now on is not delivered later."""
        self.has_baseline = False

    def knows(self, row: UserTrade) -> bool:
        """Whether a row of the history was delivered, or is older than the subscription."""
        return _key(row) in self._delivered or _key(row) in self._baseline

    def is_complete(self, rows: Sequence[UserTrade]) -> bool:
        """Whether rows from the beginning of the history hold all that may be new.

        They do where the history is newest first and a row is known, or where nothing is known yet: then all of it is the
        past. Of a history that is oldest first, or whose order does not show, everything has to be read.
        """
        if self._is_oldest_first(rows) is not False:
            return False
        return not self.has_baseline or any(self.knows(row) for row in rows)

    def missed(self, rows: Sequence[UserTrade]) -> list[Fill]:
        """Fills of the history that were never delivered, oldest first."""
        rows = list({_key(row): row for row in rows}.values())  # pages may have moved while they were read
        if not self._is_oldest_first(rows):  # where it does not show: newest first, as in production
            rows.reverse()
        if not self.has_baseline:
            rows = self._since_the_last_known(rows)
        live = {(fill.trade_id, fill.order_id): fill for fill in self._held or ()}
        return self._new(live.get(_key(row)) or _as_fill(row) for row in rows if not self.knows(row))

    def _since_the_last_known(self, rows: list[UserTrade]) -> list[UserTrade]:
        """Rows newer than a fill that was delivered: without a baseline only these are surely new."""
        delivered = [index for index, row in enumerate(rows) if _key(row) in self._delivered]
        return rows[delivered[-1] :] if delivered else []

    def _is_oldest_first(self, rows: Sequence[UserTrade]) -> bool | None:
        """Whether the history is oldest first, which is not documented; None where that does not show.

        By the times of the rows, where they have different ones (production leaves them out); by the order of the fills
        that were delivered, or are held back; by the beginning, which stays the same where trades are added at the end; or
        by known rows, which are older than the others. What was found out once holds from then on.
        """
        times = [row.time for row in rows if row.time is not None]
        if len(times) == len(rows) > 0 and times[0] != times[-1]:
            self._oldest_first = times[0] < times[-1]
        elif self._oldest_first is None:
            evidence = (self._order_of_delivered, self._order_of_growth, self._order_of_known)
            found = (judge(rows) for judge in evidence)
            self._oldest_first = next((each for each in found if each is not None), None)
        return self._oldest_first

    def _order_of_delivered(self, rows: Sequence[UserTrade]) -> bool | None:
        places = {_key(row): index for index, row in enumerate(rows)}
        held = [(fill.trade_id, fill.order_id) for fill in self._held or ()]
        seen = [places[key] for key in chain(self._delivered, held) if key in places]
        return seen[0] < seen[-1] if len(seen) > 1 else None

    def _order_of_growth(self, rows: Sequence[UserTrade]) -> bool | None:
        """Whether the history begins as it did before trades were added."""
        if self._beginning is None or not rows:
            return None
        if _key(rows[0]) != self._beginning:
            return False
        return True if any(_key(row) in self._delivered for row in rows[1:]) else None

    def _order_of_known(self, rows: Sequence[UserTrade]) -> bool | None:
        known = [index for index, row in enumerate(rows) if self.knows(row)]
        fresh = [index for index, row in enumerate(rows) if not self.knows(row)]
        if known and fresh and self.has_baseline:  # without it, the fresh ones may be older
            return known[0] < fresh[0]
        return self._place_of_the_only_held(rows) if fresh else None

    def _place_of_the_only_held(self, rows: Sequence[UserTrade]) -> bool | None:
        """Whether the one fill that is held back, which is newer than what was missed, is the last of several rows."""
        keys = [_key(row) for row in rows]
        held = {(fill.trade_id, fill.order_id) for fill in self._held or ()} & set(keys)
        if len(held) != 1 or len(rows) < 2:
            return None
        return {0: False, len(rows) - 1: True}.get(keys.index(held.pop()))

    # --- delivery ----------------------------------------------------------------------------------------------

    def _new(self, fills: Iterable[Fill]) -> list[Fill]:
        return [fill for fill in fills if not fill.trade_id or self._remember(fill)]

    def _remember(self, fill: Fill) -> bool:
        key = (fill.trade_id, fill.order_id)
        if key in self._delivered:
            return False
        self._delivered[key] = None
        if len(self._delivered) > _REMEMBERED:
            self._delivered.popitem(last=False)
        if fill.client_order_id:
            orders = self._by_client_order_id.setdefault(fill.client_order_id, {})
            orders[fill.order_id] = orders.get(fill.order_id, Decimal(0)) + fill.quantity
            if len(self._by_client_order_id) > _NAMES_REMEMBERED:
                self._by_client_order_id.popitem(last=False)
        return True


class TradePages:
    """The trade history, read page by page from its beginning, as far as something may be new.

    Attributes
    ----------
    rows : list of UserTrade
        What was read so far, each trade once: pages move while trades happen.
    offset : int
        Where the next page begins.
    """

    def __init__(self) -> None:
        self._rows: dict[Key, UserTrade] = {}
        self._had_news = True
        self.offset = 0

    @property
    def rows(self) -> list[UserTrade]:
        """What was read so far."""
        return list(self._rows.values())

    def add(self, page: Sequence[UserTrade], fills: FillLog) -> bool:
        """Add a page; whether nothing more needs to be read.

        A page of known rows alone is not the end: as many trades as it has may have happened since the page before. Two of
        them in a row are, since an exchange that ignores the offset sends the same page for ever.
        """
        before, had_news = len(self._rows), self._had_news
        new = [(_key(row), row) for row in page]
        # Trades that happen while pages are read shift a history that is newest first: a later page then begins with them,
        # before rows of the page before.
        shifted = list(takewhile(lambda each: each[0] not in self._rows, new))
        if before and len(shifted) < len(new):
            self._rows = {**dict(shifted), **self._rows}
        self._rows.update(new)
        self.offset += len(page)
        self._had_news = len(self._rows) > before
        is_over = not page or not (had_news or self._had_news)
        return is_over or fills.is_complete(self.rows)


def _key(row: UserTrade) -> Key:
    return (row.trade_id, row.order_id)


def _as_fill(row: UserTrade) -> Fill:
    return Fill(
        trade_id=row.trade_id,
        order_id=row.order_id,
        symbol=row.symbol,
        side=row.side,  # type: ignore[arg-type]
        price=row.price,
        quantity=row.quantity,
        fee=row.fee,
        aggressor_side=row.aggressor_side,
        client_order_id=row.client_order_id,
        order_type=row.order_type,
        time_in_force=row.time_in_force,
        execution_type=row.execution_type,
        time=row.time,
    )


# --- what fills make stale -----------------------------------------------------------------------------------------

#: What had been reported at some time: the number of changes of each symbol, and of all.
Mark = tuple[dict[str, int], int]


class Freshness:
    """Whether positions and the balance are as new as the fills and ends of orders that were reported.

    A position or balance message reflects every trade that was reported before it on the same connection.
    """

    def __init__(self) -> None:
        self._changes: dict[str, int] = {}
        self._as_of: dict[str, int] = {}
        self._total = 0
        self._balance_as_of = 0

    def changed(self, symbol: str) -> None:
        """Note that a trade or the end of an order in a symbol was reported."""
        self._changes[symbol] = self._changes.get(symbol, 0) + 1
        self._total += 1

    def mark(self) -> Mark:
        """What has been reported so far; for `refreshed`."""
        return dict(self._changes), self._total

    def refreshed(self, mark: Mark) -> None:
        """Note that all positions and the balance were read after `mark`."""
        changes, total = mark
        for symbol, count in changes.items():
            self._as_of[symbol] = max(count, self._as_of.get(symbol, 0))
        self._balance_as_of = max(total, self._balance_as_of)

    def position(self, symbol: str) -> None:
        """Note a position message."""
        if symbol in self._changes:
            self._as_of[symbol] = self._changes[symbol]

    def balance(self) -> None:
        """Note a balance message."""
        self._balance_as_of = self._total

    def stale_symbols(self) -> set[str]:
        """Symbols whose position is older than a trade or an end that was reported."""
        return {symbol for symbol, count in self._changes.items() if self._as_of.get(symbol, 0) < count}

    @property
    def balance_is_stale(self) -> bool:
        """Whether the balance is older than a trade or an end that was reported."""
        return self._balance_as_of < self._total
