"""Which channel of the trade client brings which model, for type checkers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

from ..base_client import BaseClient
from ..enums import Channel
from ..models.account import Balance, Position
from ..models.connection import ConnectionEvent, ErrorEvent
from ..models.orders import Fill, Order, StopOrder
from ..models.twaps import Twap
from ..session.dispatcher import Registration
from ..session.streams import DEFAULT_SIZE, Stream

TradeEvent = (
    Order | Fill | Position | Balance | StopOrder | Twap | ErrorEvent | ConnectionEvent
)  # fmt: skip


class EventMethods(BaseClient[Channel]):
    """`on` and `stream` with the type of each channel's events."""

    @overload
    def on(self, channel: Literal[Channel.ORDERS], callback: Callable[[Order], object]) -> Registration: ...
    @overload
    def on(self, channel: Literal[Channel.FILLS], callback: Callable[[Fill], object]) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.POSITIONS], callback: Callable[[Position], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.BALANCES], callback: Callable[[Balance], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.STOP_ORDERS], callback: Callable[[StopOrder], object]
    ) -> Registration: ...
    @overload
    def on(self, channel: Literal[Channel.TWAPS], callback: Callable[[Twap], object]) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.ERRORS], callback: Callable[[ErrorEvent], object]
    ) -> Registration: ...
    @overload
    def on(
        self, channel: Literal[Channel.CONNECTION], callback: Callable[[ConnectionEvent], object]
    ) -> Registration: ...
    @overload
    def on(self, channel: Channel | str, callback: Callable[[Any], object]) -> Registration: ...
    def on(self, channel: Channel | str, callback: Callable[[Any], object]) -> Registration:
        """Call a function for each event of a channel; see `BaseClient.on`."""
        return super().on(channel, callback)

    @overload
    def stream(self, channel: Literal[Channel.ORDERS], /, *, maxsize: int = ...) -> Stream[Order]: ...
    @overload
    def stream(self, channel: Literal[Channel.FILLS], /, *, maxsize: int = ...) -> Stream[Fill]: ...
    @overload
    def stream(self, channel: Literal[Channel.POSITIONS], /, *, maxsize: int = ...) -> Stream[Position]: ...
    @overload
    def stream(self, channel: Literal[Channel.BALANCES], /, *, maxsize: int = ...) -> Stream[Balance]: ...
    @overload
    def stream(
        self, channel: Literal[Channel.STOP_ORDERS], /, *, maxsize: int = ...
    ) -> Stream[StopOrder]: ...
    @overload
    def stream(self, channel: Literal[Channel.TWAPS], /, *, maxsize: int = ...) -> Stream[Twap]: ...
    @overload
    def stream(self, channel: Literal[Channel.ERRORS], /, *, maxsize: int = ...) -> Stream[ErrorEvent]: ...
    @overload
    def stream(
        self, channel: Literal[Channel.CONNECTION], /, *, maxsize: int = ...
    ) -> Stream[ConnectionEvent]: ...
    @overload
    def stream(self, *channels: Channel | str, maxsize: int = ...) -> Stream[TradeEvent]: ...
    def stream(self, *channels: Channel | str, maxsize: int = DEFAULT_SIZE) -> Stream[TradeEvent]:
        """Open an iterable queue of the events of some channels; see `BaseClient.stream`."""
        return super().stream(*channels, maxsize=maxsize)
