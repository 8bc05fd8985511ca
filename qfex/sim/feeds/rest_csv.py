"""Operations that stream everything there is as comma separated values.

The exchange publishes no column names; they are those of the JSON rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Raw

from . import rest_account
from .operation import Body, Call, Csv, Operation
from .parameters import Parameter

TRADES = (
    "id", "order_timestamp", "symbol", "price", "quantity", "side", "fee", "margin_used", "order_type", "tif",
    "order_id", "realised_pnl_change",
)  # fmt: skip
ORDERS = (
    "order_id", "terminal_status", "status_ts", "symbol", "side", "type", "time_in_force", "quantity",
    "price", "client_order_id", "passive_qty", "filled_qty", "avg_price", "first_fill_ts", "last_fill_ts",
    "execution_state",
)  # fmt: skip
TWAPS = (
    "twap_id", "client_twap_id", "status", "symbol", "total_quantity", "filled_quantity",
    "average_fill_price", "total_num_orders", "filled_num_orders", "order_interval_secs", "reduce_only",
    "side", "updated_at", "created_at",
)  # fmt: skip


def trades(call: Call) -> Csv:
    """All fills, newest first."""
    fills = call.exchange.trades(call.account_id)
    return Csv(_rows(TRADES, (rest_account.trade(fill) for fill in fills)))


def orders(call: Call) -> Csv:
    """All orders that are over, newest first."""
    rows = call.exchange.finished_orders(call.account_id)
    return Csv(_rows(ORDERS, (rest_account.order(row, live=call.live) for row in rows)))


def twaps(call: Call) -> Csv:
    """All TWAPs that are over, newest first."""
    rows = call.exchange.twaps(call.account_id, call["symbol"], active=False)
    return Csv(_rows(TWAPS, (rest_account.twap(row) for row in reversed(rows))))


def _rows(columns: tuple[str, ...], bodies: Iterable[Body]) -> Iterator[list[str]]:
    yield list(columns)
    for body in bodies:
        yield [_cell(body[column]) for column in columns]


def _cell(value: object) -> str:
    """Return a member as text; what is null in JSON is empty here."""
    if value is None:
        return ""
    if isinstance(value, Raw):
        return bytes(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


OPERATIONS = (
    Operation("GET", "/trades-csv", trades, private=True),
    Operation("GET", "/historic-orders-csv", orders, private=True),
    Operation("GET", "/historic-twaps-csv", twaps, parameters=(Parameter("symbol"),), private=True),
)
