"""Operations on the caller's account: positions, trades, finished orders, TWAPs, fees, leverage."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..engine import Refused
from ..gateway.documented import Documented
from ..gateway.live import Live
from ..gateway.wire import number
from .operation import Body, Call, Operation, listing
from .parameters import Parameter
from .problems import Problem
from .text import nanoseconds

if TYPE_CHECKING:
    from ..engine import BalanceRow, FillRow, FinishedOrderRow, PositionRow, TwapRow

# A fee of 0.01 percent is published as 10000: millionths of a percent.
FEE_UNITS = Decimal(100_000_000)


def positions(call: Call) -> Body:
    """Open positions and the balance. An account that never had money is an internal error, as observed."""
    rows = [row for row in call.exchange.positions(call.account_id) if _is_open(row)]
    if not call.history.funded:
        raise Problem(500, "position balance not found")
    balance = call.exchange.balance(call.account_id)
    return {"positions": [_position(row) for row in rows] or None, "balance": _balance(balance)}


def trades(call: Call) -> Body:
    """The account's fills, newest first."""
    fills = call.exchange.trades(
        call.account_id,
        symbol=call["symbol"],
        order_id=call["exchange_order_id"],
        side=call["orderdirection"],
        order_type=call["ordertype"],
        start=_latest(call["start"], call["start_time"]),
        end=_earliest(call["end"], call["end_time"]),
        limit=call["limit"],
        offset=call["offset"],
    )
    return listing(trade(fill) for fill in fills)


def orders(call: Call) -> Body:
    """Orders that are over, newest first: how to learn an order's fate after its reply was lost."""
    rows = call.exchange.finished_orders(
        call.account_id,
        symbol=call["symbol"],
        client_order_id=call["client_order_id"],
        start=call["start"],
        end=call["end"],
        limit=call["limit"],
        offset=call["offset"],
    )
    return listing(order(row, live=call.live) for row in rows)


def twaps(call: Call) -> Body:
    """TWAPs that are over, newest first."""
    rows = call.exchange.twaps(call.account_id, call["symbol"], active=False)
    return listing(twap(row) for row in rows[::-1][: call["limit"]])


def fees(call: Call) -> Body:
    """Maker and taker fee of every symbol, in millionths of a percent."""
    rates = {
        symbol: call.exchange.rules.fees_of(instrument.category)
        for symbol, instrument in call.exchange.instruments.items()
    }
    return {
        "fees": {
            symbol: {"maker_fee": int(rate.maker * FEE_UNITS), "taker_fee": int(rate.taker * FEE_UNITS)}
            for symbol, rate in rates.items()
        }
    }


def set_leverage(call: Call) -> Body:
    """Choose the leverage of a symbol."""
    if call["symbol"] not in call.exchange.instruments:
        raise Problem(404, f"symbol {call['symbol']} not found")
    try:
        call.exchange.set_leverage(call.account_id, call["symbol"], call["leverage"])
    except Refused as refused:
        raise Problem(400, refused.message) from refused
    return {"leverage": number(call["leverage"])}


def trade(fill: FillRow) -> Body:
    """Return a row of the trade history. Its time is in unix seconds; it has no client order id."""
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
    """Return a row of the order history, its status spelled as on the trade socket."""
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
    """Return a row of the TWAP history; its times are text here, floats on the trade socket."""
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
    """Return how far an order was filled. The values of this member are not published."""
    if not row.filled_quantity:
        return "UNFILLED"
    return "PARTIALLY_FILLED" if row.order.quantity_remaining else "FILLED"


def _latest(*moments: float | None) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


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
)
