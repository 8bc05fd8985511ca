"""Public operations: reference data, market data and their histories."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TypeVar

from ..arguments import whole
from ..enums import CandleInterval
from ..models.history import (
    Contract,
    ExchangeVolume,
    FundingPoint,
    LongShortPoint,
    OpenInterestPoint,
    SettlementCalendar,
    SettlementPrice,
    SymbolMetrics,
    TakerVolumePoint,
    UnderlierPoint,
)
from ..models.instruments import Instrument
from ..models.market import Candle, OrderBook
from ..protocol import rest
from .operations import Operations, given, iso, oldest_first, page, period, segment, window

_T = TypeVar("_T")


class MarketOperations(Operations):
    """Operations that need no credentials.

    `start` and `end` are datetimes with a time zone. Series are sorted oldest first. Every method raises
    `ValidationError` for an invalid argument, `QfexConnectionError` if the connection fails, `RequestTimeout` if the
    answer takes too long, and `RestError` if the exchange answers with an error.
    """

    def instruments(self) -> dict[str, Instrument]:
        """Return all instruments by symbol, including inactive ones (``GET /refdata``)."""
        return self._get(rest.instruments, "/refdata")

    def candles(
        self, symbol: str, interval: CandleInterval | str, start: datetime, end: datetime
    ) -> list[Candle]:
        """Return the candles that start in a range (``GET /candles``). The exchange omits `Candle.trades`."""
        resolution = CandleInterval.parse(interval, "interval").value
        query = {"resolution": resolution, **window(start, end)}
        read = partial(rest.rows, model=Candle, member="candles")
        return oldest_first(self._get(read, f"/candles/{segment(symbol)}", query), "start")

    def funding_history(
        self, symbol: str, interval_minutes: int, start: datetime, end: datetime
    ) -> list[FundingPoint]:
        """Return funding rates (``GET /funding``). An interval without a rate repeats the last one."""
        return self._by_minutes(FundingPoint, "/funding", symbol, interval_minutes, start, end)

    def open_interest_history(
        self, symbol: str, interval_minutes: int, start: datetime, end: datetime
    ) -> list[OpenInterestPoint]:
        """Return the open interest over time (``GET /open-interest``)."""
        return self._by_minutes(OpenInterestPoint, "/open-interest", symbol, interval_minutes, start, end)

    def taker_volume_history(
        self, symbol: str, interval_minutes: int, start: datetime, end: datetime
    ) -> list[TakerVolumePoint]:
        """Return the volumes that takers bought and sold (``GET /taker-volume``)."""
        return self._by_minutes(TakerVolumePoint, "/taker-volume", symbol, interval_minutes, start, end)

    def long_short_history(
        self, symbol: str, interval: str, start: datetime, end: datetime
    ) -> list[LongShortPoint]:
        """Return the numbers of users with long and short positions (``GET /symbol-long-short``).

        `interval` is a text such as ``"1h"``.
        """
        return self._by_interval(LongShortPoint, "/symbol-long-short", symbol, interval, start, end)

    def underlier_history(
        self, symbol: str, interval: str, start: datetime, end: datetime
    ) -> list[UnderlierPoint]:
        """Return prices of the reference asset (``GET /underlier``).

        `interval` is a text such as ``"1h"``.
        """
        return self._by_interval(UnderlierPoint, "/underlier", symbol, interval, start, end)

    def settlement_calendar(self, symbol: str, time: datetime | None = None) -> SettlementCalendar:
        """Return the dated future to which a symbol refers, now or at `time` (``GET /settlement-calendar``)."""
        query = given(symbol=symbol, time=None if time is None else iso(time, "time"))
        return self._get(partial(rest.one, model=SettlementCalendar), "/settlement-calendar", query)

    def settlement_prices(
        self,
        symbol: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> list[SettlementPrice]:
        """Return settlement prices (``GET /settlement-prices``): 100 rows, or `limit`, at most 1,000."""
        query = {**given(symbol=symbol), **period(start, end), **page(limit)}
        return oldest_first(self._get(partial(rest.rows, model=SettlementPrice), "/settlement-prices", query))

    def symbol_metrics(self) -> list[SymbolMetrics]:
        """Return metrics of all symbols over the last 24 hours (``GET /symbols/metrics``, undocumented)."""
        return self._get(partial(rest.rows, model=SymbolMetrics), "/symbols/metrics")

    def contracts(self) -> list[Contract]:
        """Return all perpetuals in the format of market data sites (``GET /md/contracts``, undocumented)."""
        return self._get(partial(rest.rows, model=Contract), "/md/contracts")

    def order_book(self, symbol: str) -> OrderBook:
        """Return the order book, best prices first, without empty levels (``GET /md/orderbook``, undocumented)."""
        return self._get(rest.order_book, f"/md/orderbook/{segment(symbol)}")

    def exchange_volume_history(
        self, interval_minutes: int, start: datetime, end: datetime
    ) -> list[ExchangeVolume]:
        """Return volume and open interest of the whole exchange (``GET /defillama/metrics``, undocumented)."""
        query = {"intervalMinutes": str(whole(interval_minutes, "interval_minutes", 1)), **window(start, end)}
        return oldest_first(self._get(partial(rest.rows, model=ExchangeVolume), "/defillama/metrics", query))

    def _by_minutes(
        self, model: type[_T], path: str, symbol: str, interval_minutes: int, start: datetime, end: datetime
    ) -> list[_T]:
        minutes = whole(interval_minutes, "interval_minutes", 1)
        query = {"intervalMinutes": str(minutes), **window(start, end)}
        return oldest_first(self._get(partial(rest.rows, model=model), f"{path}/{segment(symbol)}", query))

    def _by_interval(
        self, model: type[_T], path: str, symbol: str, interval: str, start: datetime, end: datetime
    ) -> list[_T]:
        query = {**given(interval=interval), **window(start, end)}
        return oldest_first(self._get(partial(rest.rows, model=model), f"{path}/{segment(symbol)}", query))
