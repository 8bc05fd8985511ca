"""Operations on the current state of symbols: reference data, book, metrics, contracts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..gateway.wire import number
from .levels import ladder
from .rest_operation import Body, Operation, RestRequest, listing
from .rest_parameters import Parameter
from .text import plain, price

if TYPE_CHECKING:
    from ..engine import Instrument

DAY = 86_400.0
HOUR = 3600
BASIS_POINTS = Decimal(10_000)
# The capture shows a ladder of every tick, but not its full length.
BOOK_DEPTH = 100
LADDER_LENGTH = 100


def refdata(request: RestRequest) -> Body:
    """Reference data; ``min_price`` and ``max_price`` are the current price band.

    The documentation says that ``ticker`` filters. It was observed to return nothing, even for existing symbols.
    """
    ticker = request["ticker"]
    instruments = list(request.exchange.instruments.values())
    if ticker:
        instruments = [one for one in instruments if one.symbol == ticker and not request.live]
    return {"type": "refdata", "data": [_refdata_row(request, one) for one in instruments] or None}


def metrics(request: RestRequest) -> Body:
    """Mark price, 24-hour volume and change, open interest and funding rate of every symbol."""
    return listing(_metrics_row(request, symbol) for symbol in request.exchange.instruments)


def contracts(request: RestRequest) -> Body:
    """The list for price aggregators. Open interest counts both sides; ``_usd`` members are in quote currency."""
    active = [one for one in request.exchange.instruments.values() if one.status == "ACTIVE"]
    return {"data": [_contract(request, instrument) for instrument in active]}


def orderbook(request: RestRequest) -> Body:
    """The book as a ladder of every tick, including those without orders."""
    symbol = request.symbol
    tick = request.exchange.instruments[symbol].tick_size
    bids, asks = request.exchange.book(symbol, BOOK_DEPTH)
    return {
        "ticker_id": symbol,
        "timestamp": int(request.exchange.now * 1000),
        "bids": _pairs(ladder(bids, -tick, LADDER_LENGTH)),
        "asks": _pairs(ladder(asks, tick, LADDER_LENGTH)),
    }


def _refdata_row(request: RestRequest, instrument: Instrument) -> Body:
    low, high = request.exchange.price_band(instrument.symbol)
    row = {**instrument.row, "status": instrument.status, "min_price": price(low), "max_price": price(high)}
    return row if request.live else {**row, **_documented_members(request, instrument)}


def _documented_members(request: RestRequest, instrument: Instrument) -> Body:
    """Return the members that are documented but not sent by the exchange."""
    hours = instrument.row.get("market_hours", {})
    days = {day: _one_session(sessions) for day, sessions in hours.items() if isinstance(sessions, list)}
    return {
        "underlier_price": price(request.exchange.index_price(instrument.symbol)),
        "price_change_24h": plain(_change_24h(request, instrument.symbol).quantize(Decimal("0.01"))),
        "margin_asset": "USD",
        "market_hours": {**days, "tz": hours.get("tz", "UTC")},
    }


def _one_session(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the opening hours of a day as one object, those of the regular session if there is one."""
    regular = [row for row in sessions if row.get("session") == "open"] or sessions
    return {"open": regular[0]["open"], "close": regular[-1]["close"]} if regular else {}


def _metrics_row(request: RestRequest, symbol: str) -> Body:
    exchange = request.exchange
    now = exchange.now
    return {
        "symbol": symbol,
        "current_mark_price": number(exchange.mark_price(symbol)),
        "volume_24h_usd_notional": number(usd_volume(request, symbol, now - DAY, now)),
        "mark_price_change_24h_pct": number(_change_24h(request, symbol).quantize(Decimal("0.0001"))),
        "open_interest": number(exchange.open_interest(symbol)),
        "funding_rate_bps": number(exchange.funding_rate(symbol) * BASIS_POINTS),
    }


def _contract(request: RestRequest, instrument: Instrument) -> Body:
    exchange, symbol = request.exchange, instrument.symbol
    last = exchange.last_trades(symbol, 1)
    now = exchange.now
    volume = request.context.market_statistics[symbol].taker_volume(now - DAY, now + 1)
    one_side = exchange.open_interest(symbol)
    index = exchange.index_price(symbol)
    return {
        "ticker_id": symbol,
        "base_currency": instrument.base_asset,
        "target_currency": instrument.quote_asset,
        "last_price": plain(last[0].price if last else exchange.mark_price(symbol)),
        "base_volume": plain(volume.buy_quantity + volume.sell_quantity),
        "target_volume": plain(volume.buy_notional + volume.sell_notional),
        "product_type": "Perpetual",
        **dict(_open_interests(one_side, index)),
        "index_price": price(index),
        "index_currency": instrument.quote_asset,
        "funding_rate": plain(exchange.funding_rate(symbol)),
        "funding_interval_minutes": 60,
        "next_funding_rate": plain(exchange.funding_rate(symbol)),
        "next_funding_rate_timestamp": int(now // HOUR + 1) * HOUR - 1,
    }


def _open_interests(one_side: Decimal, index: Decimal) -> Iterator[tuple[str, str]]:
    """Yield the six open interest members."""
    for prefix, quantity in (("", 2 * one_side), ("long_", one_side), ("short_", one_side)):
        yield f"{prefix}open_interest", plain(quantity)
        yield f"{prefix}open_interest_usd", plain(quantity * index)


def usd_volume(request: RestRequest, symbol: str, start: float, end: float) -> Decimal:
    """Return the notional (USD) traded in a range, including both ends."""
    volume = request.context.market_statistics[symbol].taker_volume(start, end + 1)
    return volume.buy_notional + volume.sell_notional


def _change_24h(request: RestRequest, symbol: str) -> Decimal:
    """Return the change of the mark price over 24 hours, or since the start, in percent."""
    marks = request.context.market_statistics[symbol].mark
    mark = request.exchange.mark_price(symbol)
    before = marks.at(request.exchange.now - DAY) or marks.first or mark
    return (mark / before - 1) * 100


def _pairs(levels: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[plain(limit), plain(quantity)] for limit, quantity in levels]


# The exchange does not publish how long proxies may cache it.
CACHE = {"Cache-Control": "public, max-age=60"}

OPERATIONS = (
    Operation("GET", "/refdata", refdata, "RefdataResponse", (Parameter("ticker"),), headers=CACHE),
    Operation("GET", "/symbols/metrics", metrics, "SymbolMetricsResponseBody"),
    Operation("GET", "/md/contracts", contracts, "ContractsResponseBody"),
    Operation(
        "GET",
        "/md/orderbook/{symbol}",
        orderbook,
        "OrderBookResponseBody",
        (Parameter("symbol", where="path", required=True),),
    ),
)
