"""Each fill once, in order, outages included.

Fills come live, and after an outage from the account's trade history. A trade is known by its trade id and order id,
since both sides of a trade share the first. What the history held before fills were first subscribed is the baseline:
it is never delivered as new.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from ...models.orders import Fill, UserTrade

_REMEMBERED = 100_000  # fills; far more than one page of history holds

Key = tuple[str, str]


class FillLog:
    """Which fills were delivered already."""

    def __init__(self) -> None:
        self._delivered: OrderedDict[Key, None] = OrderedDict()
        self._baseline: set[Key] = set()
        self._held: list[Fill] | None = None
        self.has_baseline = False

    def set_baseline(self, rows: Iterable[UserTrade]) -> None:
        """Note what was traded before fills were first subscribed."""
        self._baseline = {_key(row) for row in rows} - self._delivered.keys()
        self.has_baseline = True

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

    def knows(self, row: UserTrade) -> bool:
        """Whether a row of the history was delivered, or is older than the subscription."""
        return _key(row) in self._delivered or _key(row) in self._baseline

    def missed(self, rows: Sequence[UserTrade]) -> list[Fill]:
        """Fills of the history that were never delivered, oldest first."""
        if not self.has_baseline:
            rows = self._since_the_last_known(rows)
        fresh = [row for row in rows if not self.knows(row)]
        if fresh and not self._is_oldest_first(rows, fresh[0]):
            fresh.reverse()
        live = {(fill.trade_id, fill.order_id): fill for fill in self._held or ()}
        return self._new(live.get(_key(row)) or _as_fill(row) for row in fresh)

    def _since_the_last_known(self, rows: Sequence[UserTrade]) -> Sequence[UserTrade]:
        """Rows newer than a fill that was delivered: without a baseline only these are surely new."""
        known = [index for index, row in enumerate(rows) if self.knows(row)]
        return rows[: known[0]] if known else ()

    def _is_oldest_first(self, rows: Sequence[UserTrade], fresh: UserTrade) -> bool:
        """Whether the history is oldest first, which is not documented, by a new row; production leaves the times out."""
        times = [row.time for row in rows if row.time is not None]
        if len(times) == len(rows):
            return times[0] < times[-1]
        known = [index for index, row in enumerate(rows) if self.knows(row)]
        return known[0] < rows.index(fresh) if known else self._live_come_last(rows)

    def _live_come_last(self, rows: Sequence[UserTrade]) -> bool:
        """Whether the fills held back, which are in order and newer than what was missed, come last in the history."""
        keys = [_key(row) for row in rows]
        places = [
            keys.index(key) for fill in self._held or () if (key := (fill.trade_id, fill.order_id)) in keys
        ]
        if len(places) == 1:
            return 0 < places[0] == len(rows) - 1
        return bool(places) and places[0] < places[-1]

    def _new(self, fills: Iterable[Fill]) -> list[Fill]:
        return [fill for fill in fills if not fill.trade_id or self._remember((fill.trade_id, fill.order_id))]

    def _remember(self, key: Key) -> bool:
        if key in self._delivered:
            return False
        self._delivered[key] = None
        if len(self._delivered) > _REMEMBERED:
            self._delivered.popitem(last=False)
        return True


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
