"""Operations on the caller's account: positions, trades, finished orders, TWAPs, fees and leverage, also as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Raw

from ..engine import Refused
from ..gateway.dialects import Documented, Live
from ..gateway.wire import number
from .rest_operation import Body, Csv, Operation, RestRequest, listing
from .rest_parameters import Parameter, Problem
from .text import nanoseconds

if TYPE_CHECKING:
    from ..engine import BalanceRow, FillRow, FinishedOrderRow, PositionRow, TwapRow

# Fees are in millionths of a percent: 0.01 percent is published as 10000.
FEE_UNITS = Decimal(100_000_000)
# The exchange publishes no column names of its CSV files; these are the members of the JSON rows.
_TRADE_COLUMNS = (
    "id", "order_timestamp", "symbol", "price", "quantity", "side", "fee", "margin_used", "order_type", "tif",
    "order_id", "realised_pnl_change",
)  # fmt: skip
_ORDER_COLUMNS = (
    "order_id", "terminal_status", "status_ts", "symbol", "side", "type", "time_in_force", "quantity",
    "price", "client_order_id", "passive_qty", "filled_qty", "avg_price", "first_fill_ts", "last_fill_ts",
    "execution_state",
)  # fmt: skip
_TWAP_COLUMNS = (
    "twap_id", "client_twap_id", "status", "symbol", "total_quantity", "filled_quantity",
    "average_fill_price", "total_num_orders", "filled_num_orders", "order_interval_secs", "reduce_only",
    "side", "updated_at", "created_at",
)  # fmt: skip


def positions(request: RestRequest) -> Body:
    """Open positions and the balance. As observed, an account that never had money gives an internal error."""
    rows = [row for row in request.exchange.positions(request.account_id) if _is_open(row)]
    if not request.statistics.funded:
        raise Problem(500, "position balance not found")
    balance = request.exchange.balance(request.account_id)
    return {"positions": [_position(row) for row in rows] or None, "balance": _balance(balance)}


def trades(request: RestRequest) -> Body:
    """The account's fills, newest first."""
    fills = request.exchange.trades(
        request.account_id,
        symbol=request["symbol"],
        order_id=request["exchange_order_id"],
        side=request["orderdirection"],
        order_type=request["ordertype"],
        start=_latest(request["start"], request["start_time"]),
        end=_earliest(request["end"], request["end_time"]),
        limit=request["limit"],
        offset=request["offset"],
    )
    return listing(trade(fill) for fill in fills)


def orders(request: RestRequest) -> Body:
    """Finished orders, newest first."""
    rows = request.exchange.finished_orders(
        request.account_id,
        symbol=request["symbol"],
        client_order_id=request["client_order_id"],
        start=request["start"],
        end=request["end"],
        limit=request["limit"],
        offset=request["offset"],
    )
    return listing(order(row, live=request.live) for row in rows)


def twaps(request: RestRequest) -> Body:
    """Finished TWAPs, newest first."""
    rows = request.exchange.twaps(request.account_id, request["symbol"], active=False)
    return listing(twap(row) for row in rows[::-1][: request["limit"]])


def fees(request: RestRequest) -> Body:
    """The maker and taker fees of every symbol, in millionths of a percent."""
    rates = {
        symbol: request.exchange.rules.fees_of(instrument.category)
        for symbol, instrument in request.exchange.instruments.items()
    }
    return {
        "fees": {
            symbol: {"maker_fee": int(rate.maker * FEE_UNITS), "taker_fee": int(rate.taker * FEE_UNITS)}
            for symbol, rate in rates.items()
        }
    }


def set_leverage(request: RestRequest) -> Body:
    """Set the leverage of a symbol."""
    if request["symbol"] not in request.exchange.instruments:
        raise Problem(404, f"symbol {request['symbol']} not found")
    try:
        request.exchange.set_leverage(request.account_id, request["symbol"], request["leverage"])
    except Refused as refused:
        raise Problem(400, refused.message) from refused
    return {"leverage": number(request["leverage"])}


def trade(fill: FillRow) -> Body:
    """Return a row of the trade history; its time is in unix seconds, and it has no client order id."""
    return {
        "id": fill.trade_id,
        "order_timestamp": fill.timestamp,
        "symbol": fill.symbol,
        "price": number(fill.price),
        "quantity": number(fill.quantity),
        "side": fill.side,
        "fee": number(fill.fee),
        "margin_used": number(fill.margin_used),
        "order_type": fill.order_type,
        "tif": fill.time_in_force,
        "order_id": fill.order_id,
        "realised_pnl_change": number(fill.realised_pnl),
    }


def order(row: FinishedOrderRow, *, live: bool) -> Body:
    """Return a row of the order history; its status is spelled as on the trade socket."""
    shown = (Live() if live else Documented()).order(row.order)
    return {
        "order_id": row.order.order_id,
        "terminal_status": shown["status"],
        "status_ts": nanoseconds(row.finished),
        "symbol": row.order.symbol,
        "side": row.order.side,
        "type": row.order.order_type,
        "time_in_force": row.order.time_in_force,
        "quantity": number(row.order.quantity),
        "price": number(row.order.price),
        "client_order_id": row.order.client_order_id,
        "passive_qty": number(row.passive_quantity),
        "filled_qty": number(row.filled_quantity),
        "avg_price": None if row.average_price is None else number(row.average_price),
        "first_fill_ts": None if row.first_fill is None else nanoseconds(row.first_fill),
        "last_fill_ts": None if row.last_fill is None else nanoseconds(row.last_fill),
        "execution_state": _execution_state(row),
    }


def twap(row: TwapRow) -> Body:
    """Return a row of the TWAP history; its times are text, unlike those on the trade socket."""
    return {
        "twap_id": row.twap_id,
        "client_twap_id": row.client_twap_id,
        "status": row.status,
        "symbol": row.symbol,
        "total_quantity": number(row.total_quantity),
        "filled_quantity": number(row.filled_quantity),
        "average_fill_price": number(row.average_fill_price),
        "total_num_orders": row.total_num_orders,
        "filled_num_orders": row.filled_num_orders,
        "order_interval_secs": row.order_interval_secs,
        "reduce_only": row.reduce_only,
        "side": row.side,
        "updated_at": nanoseconds(row.updated),
        "created_at": nanoseconds(row.created),
    }


def _position(row: PositionRow) -> Body:
    return {
        "symbol": row.symbol,
        "position": number(row.position),
        "realised_pnl": number(row.realised_pnl),
        "unrealised_pnl": number(row.unrealised_pnl),
        "net_funding": number(row.net_funding),
        "open_orders": row.open_orders,
        "open_quantity": number(row.open_quantity),
        "leverage": number(row.leverage),
        "initial_margin": number(row.initial_margin),
        "maintenance_margin": number(row.maintenance_margin),
        "average_price": number(row.average_price),
    }


def _balance(row: BalanceRow) -> Body:
    return {
        "deposit": number(row.deposit),
        "realised_pnl": number(row.realised_pnl),
        "order_margin": number(row.order_margin),
        "position_margin": number(row.position_margin),
        "unrealised_pnl": number(row.unrealised_pnl),
        "net_funding": number(row.net_funding),
        "available_balance": number(row.available_balance),
    }


def _is_open(row: PositionRow) -> bool:
    return bool(row.position or row.open_orders or row.realised_pnl)


def _execution_state(row: FinishedOrderRow) -> str:
    """Return the ``execution_state`` of an order. The exchange does not publish its values."""
    if not row.filled_quantity:
        return "UNFILLED"
    return "PARTIALLY_FILLED" if row.order.quantity_remaining else "FILLED"


def _latest(*moments: float | None) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def trades_csv(request: RestRequest) -> Csv:
    """All fills as CSV, newest first."""
    fills = request.exchange.trades(request.account_id)
    return Csv(_rows(_TRADE_COLUMNS, (trade(fill) for fill in fills)))


def orders_csv(request: RestRequest) -> Csv:
    """All finished orders as CSV, newest first."""
    rows = request.exchange.finished_orders(request.account_id)
    return Csv(_rows(_ORDER_COLUMNS, (order(row, live=request.live) for row in rows)))


def twaps_csv(request: RestRequest) -> Csv:
    """All finished TWAPs as CSV, newest first."""
    rows = request.exchange.twaps(request.account_id, request["symbol"], active=False)
    return Csv(_rows(_TWAP_COLUMNS, (twap(row) for row in reversed(rows))))


def _rows(columns: tuple[str, ...], bodies: Iterable[Body]) -> Iterator[list[str]]:
    yield list(columns)
    for body in bodies:
        yield [_cell(body[column]) for column in columns]


def _cell(value: object) -> str:
    """Return a member as text; null becomes empty."""
    if value is None:
        return ""
    if isinstance(value, Raw):
        return bytes(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


SYMBOL = Parameter("symbol")
LIMIT = Parameter("limit", "integer", default=100, minimum=1, maximum=1000)
PAGE = (
    Parameter("start", "time"),
    Parameter("end", "time"),
    LIMIT,
    Parameter("offset", "integer", default=0, minimum=0),
)
TRADE_FILTERS = (
    Parameter("exchange_order_id"),
    Parameter("start_time", "time"),
    Parameter("end_time", "time"),
    Parameter("ordertype"),
    Parameter("orderdirection"),
)

OPERATIONS = (
    Operation("GET", "/user/positions", positions, "PositionsBalanceResponseBody", private=True),
    Operation(
        "GET", "/user/trade", trades, "TradesResponseBody", (SYMBOL, *PAGE, *TRADE_FILTERS), private=True
    ),
    Operation(
        "GET",
        "/user/historic-orders",
        orders,
        "HistoricOrdersResponseBody",
        (SYMBOL, Parameter("client_order_id"), *PAGE),
        private=True,
    ),
    Operation(
        "GET", "/user/historic-twaps", twaps, "HistoricTwapsResponseBody", (SYMBOL, LIMIT), private=True
    ),
    Operation("GET", "/user/fees", fees, "FeesResponseBody", private=True),
    Operation(
        "POST",
        "/user/leverage",
        set_leverage,
        "SetUserLeverageResponseBody",
        members={"symbol": "string", "leverage": "number"},
        private=True,
        trades=True,
    ),
    Operation("GET", "/trades-csv", trades_csv, private=True),
    Operation("GET", "/historic-orders-csv", orders_csv, private=True),
    Operation("GET", "/historic-twaps-csv", twaps_csv, parameters=(Parameter("symbol"),), private=True),
)
