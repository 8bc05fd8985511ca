"""Which channel of the market data client brings which model, for type checkers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

from .base_client import BaseClient
from .enums import MarketChannel
from .models.connection import ConnectionEvent, ErrorEvent
from .models.market import (
    Bbo,
    Candle,
    FundingRate,
    MarketStats,
    MarkPrice,
    MinMaxPrice,
    OpenInterest,
    OrderBook,
    PublicTrade,
    Underlier,
)
from .session.dispatcher import Registration
from .session.streams import DEFAULT_SIZE, Stream

MarketEvent = (
    Bbo | OrderBook | PublicTrade | Candle | MarkPrice | FundingRate | OpenInterest | Underlier | MinMaxPrice
    | MarketStats | ErrorEvent | ConnectionEvent
)  # fmt: skip


class MarketEventMethods(BaseClient[MarketChannel]):
    """`on` and `stream` with the type of each channel's events."""

    @overload
    def on(self, channel: Literal[MarketChannel.BBO], callback: Callable[[Bbo], object]) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.LEVEL2], callback: Callable[[OrderBook], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.TRADE], callback: Callable[[PublicTrade], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.CANDLE], callback: Callable[[Candle], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.MARK_PRICE], callback: Callable[[MarkPrice], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.FUNDING], callback: Callable[[FundingRate], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.OPEN_INTEREST], callback: Callable[[OpenInterest], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.UNDERLIER], callback: Callable[[Underlier], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.MINMAX_PRICE], callback: Callable[[MinMaxPrice], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.MARKET_STATS], callback: Callable[[MarketStats], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.ERRORS], callback: Callable[[ErrorEvent], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[MarketChannel.CONNECTION], callback: Callable[[ConnectionEvent], object]
    ) -> Registration: ...
    @overload
    def on(self, channel: MarketChannel | str, callback: Callable[[Any], object]) -> Registration: ...
    def on(self, channel: MarketChannel | str, callback: Callable[[Any], object]) -> Registration:
        """Call a function for each event of a channel; see `BaseClient.on`."""
        return super().on(channel, callback)

    @overload
    def stream(self, channel: Literal[MarketChannel.BBO], /, *, maxsize: int = ...) -> Stream[Bbo]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.LEVEL2], /, *, maxsize: int = ...
    ) -> Stream[OrderBook]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.TRADE], /, *, maxsize: int = ...
    ) -> Stream[PublicTrade]: ...
    @overload
    def stream(self, channel: Literal[MarketChannel.CANDLE], /, *, maxsize: int = ...) -> Stream[Candle]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.MARK_PRICE], /, *, maxsize: int = ...
    ) -> Stream[MarkPrice]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.FUNDING], /, *, maxsize: int = ...
    ) -> Stream[FundingRate]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.OPEN_INTEREST], /, *, maxsize: int = ...
    ) -> Stream[OpenInterest]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.UNDERLIER], /, *, maxsize: int = ...
    ) -> Stream[Underlier]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.MINMAX_PRICE], /, *, maxsize: int = ...
    ) -> Stream[MinMaxPrice]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.MARKET_STATS], /, *, maxsize: int = ...
    ) -> Stream[MarketStats]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.ERRORS], /, *, maxsize: int = ...
    ) -> Stream[ErrorEvent]: ...
    @overload
    def stream(
        self, channel: Literal[MarketChannel.CONNECTION], /, *, maxsize: int = ...
    ) -> Stream[ConnectionEvent]: ...
    @overload
    def stream(self, *channels: MarketChannel | str, maxsize: int = ...) -> Stream[MarketEvent]: ...
    def stream(self, *channels: MarketChannel | str, maxsize: int = DEFAULT_SIZE) -> Stream[MarketEvent]:
        """Open an iterable queue of the events of some channels; see `BaseClient.stream`."""
        return super().stream(*channels, maxsize=maxsize)
