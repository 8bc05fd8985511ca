"""The market data client: public streams as newest values, callbacks and queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import time
from typing import Any, Literal, TypeVar, overload

from .arguments import text
from .base_client import BaseClient
from .enums import CandleInterval, ErrorCode, MarketChannel
from .environment import Environment, environment_from_env
from .errors import ConnectionLost, InvalidParameter, RequestTimeout, ValidationError
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
from .policies import ReconnectPolicy, TransportOptions
from .protocol.market.commands import (
    EVERY_SYMBOL,
    MarketSubscribe,
    MarketUnsubscribe,
    Option,
    Topic,
    subscriptions,
)
from .protocol.market.connection import MarketEndpoint, unconfirmed
from .protocol.market.reconcile import FIRST_PATIENCE
from .session.events import Registration
from .session.streams import DEFAULT_SIZE, Stream
from .threads import Deadline

_T = TypeVar("_T")

MarketEvent = (
    Bbo | OrderBook | PublicTrade | Candle | MarkPrice | FundingRate | OpenInterest | Underlier | MinMaxPrice
    | MarketStats | ErrorEvent | ConnectionEvent
)  # fmt: skip

_SIG_FIGS = (0, 1, 2)


class MarketDataClient(BaseClient[MarketChannel]):
    """A blocking client of the market data gateway. It needs no credentials.

    ::

        with MarketDataClient(PROD) as client:
            print(client.bbo("AAPL-USD"))
            client.on(MarketChannel.TRADE, print)
            client.subscribe(MarketChannel.TRADE, ["AAPL-USD", "GOLD-USD"])
            client.block_for_close()

    The reads (`bbo`, `order_book`, ...) return the newest value of this connection: they subscribe when that is needed,
    and wait for the first value. A consumer that is slow gets the newest snapshot of each symbol; of trades it misses the
    oldest ones.

    After a lost connection the streams are subscribed again, and values of the old one are not returned any more. A stream
    that the exchange refuses, or does not confirm, harms no other: it is reported once as an `ErrorEvent` of kind
    ``"subscription"``, and tried again after 1, 2, 4, ... 30 seconds, after a refusal every minute.

    The newest value is the one with the highest `sequence`; of candles the one with the latest start. Times decide only
    between messages without a sequence.

    Parameters
    ----------
    environment : Environment
        `PROD`, `UAT`, or a simulator's.
    reconnect : ReconnectPolicy or None
        None: a lost connection stays lost.
    request_timeout : float
        Seconds for each call; each method also takes its own `timeout`.
    proxy : str, optional
        Such as ``http://user:password@host:3128``; None takes ``HTTPS_PROXY`` and ``NO_PROXY``.
    ca_file : str, optional
        Certificate authorities to trust instead of the system's.
    """

    _channel_type = MarketChannel

    def __init__(
        self,
        environment: Environment,
        *,
        reconnect: ReconnectPolicy | None = ReconnectPolicy(),  # noqa: B008 - frozen
        request_timeout: float = 10.0,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        endpoint = MarketEndpoint(environment.market_data_url, time)
        self._markets = endpoint.markets
        super().__init__(
            "qfex-market-data",
            endpoint,
            request_timeout=request_timeout,
            reconnect=reconnect,
            options=TransportOptions(proxy, ca_file, request_timeout),
        )

    @classmethod
    def from_env(cls, **overrides: Any) -> MarketDataClient:
        """Make a client from environment variables.

        ``QFEX_ENV`` is ``prod`` or ``uat`` (the default); ``QFEX_MDS_URL`` replaces its URL. Keyword arguments go before
        the environment.

        Raises
        ------
        ConfigurationError
            If ``QFEX_ENV`` is not known.
        """
        return cls(overrides.pop("environment", None) or environment_from_env(), **overrides)

    # --- subscriptions ----------------------------------------------------------------------------------------

    def subscribe(
        self,
        channel: MarketChannel | str,
        symbols: str | Iterable[str],
        intervals: CandleInterval | str | Iterable[CandleInterval | str] | None = None,
        *,
        sig_figs: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Subscribe to a channel. Restored on every connection; asking twice does no harm.

        What is subscribed and could not be restored on this connection is requested again.

        Parameters
        ----------
        channel : MarketChannel or str
            One of the exchange's channels.
        symbols : str or iterable of str
            ``"*"`` means every symbol, and is what `MarketChannel.MARKET_STATS` takes.
        intervals : CandleInterval, str, or iterable of them
            Needed with, and only with, `MarketChannel.CANDLE`.
        sig_figs : int
            Rounding of `MarketChannel.LEVEL2`: 0 (none, the default), 1 or 2.

        Raises
        ------
        ValidationError
            If the arguments do not go together.
        InvalidParameter
            If the exchange does not confirm a symbol; the others are subscribed.
        RequestTimeout
            If it does not answer, as it may for names it does not know.
        """
        named, options = _options(channel, intervals, sig_figs)
        wanted = MarketSubscribe(named, _symbols(symbols), options).topics
        self._subscribe(wanted, self._deadline(timeout))

    def unsubscribe(
        self,
        channel: MarketChannel | str,
        symbols: str | Iterable[str],
        intervals: CandleInterval | str | Iterable[CandleInterval | str] | None = None,
        *,
        sig_figs: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Unsubscribe. Takes and raises what `subscribe` does.

        A symbol that was subscribed by itself goes on when ``"*"`` is unsubscribed; one that was not ends with it. While
        ``"*"`` is subscribed, no single symbol can be taken out of it.

        If the call fails because it could not be sent, or because the exchange refuses it, the subscription stands. If it
        was sent and not answered, the subscription counts as ended.
        """
        named, options = _options(channel, intervals, sig_figs)
        topics, deadline = MarketSubscribe(named, _symbols(symbols), options).topics, self._deadline(timeout)
        self.wait_until_ready(deadline.remaining())
        ending = self._state.read(lambda: self._markets.subscriptions.leave(topics))
        self._request_all(subscriptions(ending, MarketUnsubscribe), deadline)

    def _subscribe(self, topics: Iterable[Topic], deadline: Deadline) -> None:
        self.wait_until_ready(deadline.remaining())  # nothing is in force on a lost connection
        missing = self._state.read(lambda: self._markets.subscriptions.want(topics))
        self._request_all(subscriptions(missing), deadline)

    def _request_all(self, commands: Iterable[MarketSubscribe], deadline: Deadline) -> None:
        """Send commands one after the other, and refuse what the exchange has not confirmed."""
        refused: dict[str, None] = {}
        for command in commands:
            try:
                ack = self._requests.request(command, deadline.remaining())
            except (RequestTimeout, ConnectionLost) as error:
                if isinstance(command, MarketUnsubscribe) and getattr(error, "sent", True):
                    self._end(command.topics)
                raise
            refused.update(dict.fromkeys(unconfirmed(command, ack)))
        if refused:
            message = f"the exchange did not confirm {', '.join(refused)}"
            raise InvalidParameter(ErrorCode.INVALID_PARAMETER, message)

    def _end(self, topics: Iterable[Topic]) -> None:
        self._state.read(lambda: self._markets.end(topics))

    # --- newest values ----------------------------------------------------------------------------------------

    def bbo(self, symbol: str, *, timeout: float | None = None) -> Bbo:
        """Best bid and offer.

        Every read raises `RequestTimeout` when no value came in time, and `NotConnected` when none can come.
        """
        return self._newest(Bbo, MarketChannel.BBO, symbol, timeout)

    def order_book(self, symbol: str, *, sig_figs: int = 0, timeout: float | None = None) -> OrderBook:
        """Order book of at most 20 levels a side. `sig_figs` 1 or 2 asks for rounded prices."""
        _, (rounding,) = _options(MarketChannel.LEVEL2, None, sig_figs)
        return self._newest(OrderBook, MarketChannel.LEVEL2, symbol, timeout, rounding)

    def mark_price(self, symbol: str, *, timeout: float | None = None) -> MarkPrice:
        """Mark price."""
        return self._newest(MarkPrice, MarketChannel.MARK_PRICE, symbol, timeout)

    def last_trades(self, symbol: str, *, timeout: float | None = None) -> list[PublicTrade]:
        """Trades since the subscription, oldest first, at most the newest 1,000; waits for the first one.

        On a new connection they begin again. Where a sequence gap was reported, trades may be missing; the exchange does
        not send them again.
        """
        self._newest(PublicTrade, MarketChannel.TRADE, symbol, timeout)
        topic = Topic(MarketChannel.TRADE, text(symbol, "symbol"))
        return self._state.read(lambda: self._markets.trades(topic))

    def candle(self, symbol: str, interval: CandleInterval | str, *, timeout: float | None = None) -> Candle:
        """Candle that is forming."""
        named = CandleInterval.parse(interval, "interval")
        return self._newest(Candle, MarketChannel.CANDLE, symbol, timeout, named)

    def funding_rate(self, symbol: str, *, timeout: float | None = None) -> FundingRate:
        """Funding rate of the current hour."""
        return self._newest(FundingRate, MarketChannel.FUNDING, symbol, timeout)

    def open_interest(self, symbol: str, *, timeout: float | None = None) -> OpenInterest:
        """Open interest."""
        return self._newest(OpenInterest, MarketChannel.OPEN_INTEREST, symbol, timeout)

    def underlier(self, symbol: str, *, timeout: float | None = None) -> Underlier:
        """Price of the reference asset."""
        return self._newest(Underlier, MarketChannel.UNDERLIER, symbol, timeout)

    def min_max_price(self, symbol: str, *, timeout: float | None = None) -> MinMaxPrice:
        """Band outside of which orders are refused; it moves with the index price."""
        return self._newest(MinMaxPrice, MarketChannel.MINMAX_PRICE, symbol, timeout)

    def market_stats(self, *, timeout: float | None = None) -> MarketStats:
        """Snapshot of every symbol."""
        return self._newest(MarketStats, MarketChannel.MARKET_STATS, EVERY_SYMBOL, timeout)

    def _newest(
        self,
        model: type[_T],
        channel: MarketChannel,
        symbol: str,
        timeout: float | None,
        option: Option = None,
    ) -> _T:
        """Newest value of a stream, whose messages are of a model."""
        topic, deadline = Topic(channel, text(symbol, "symbol"), option), self._deadline(timeout)
        self.wait_until_ready(deadline.remaining())  # values of a lost connection are stale
        if not self._await_subscription(topic, deadline):
            self._subscribe([topic], deadline)
        value: _T | None = self._state.wait_until(
            lambda: self._markets.newest(topic), lambda value: value is not None, deadline
        )
        if value is None:
            raise RequestTimeout(f"no {channel} of {symbol} within the time allowed", sent=True)
        return value

    def _await_subscription(self, topic: Topic, deadline: Deadline) -> bool:
        """Whether a topic is in force; waits a moment where it has been asked for already, after an outage for instance."""
        known = self._markets.subscriptions
        return self._state.wait_until(
            lambda: (known.is_in_force(topic), known.is_requested(topic)),
            lambda reading: reading[0] or not reading[1],
            deadline.at_most(FIRST_PATIENCE),
        )[0]

    def _sequence_gaps(self) -> int:
        return self._markets.sequence_gaps

    # --- events -----------------------------------------------------------------------------------------------

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


def _options(
    channel: MarketChannel | str,
    intervals: CandleInterval | str | Iterable[CandleInterval | str] | None,
    sig_figs: int | None,
) -> tuple[MarketChannel, tuple[Option, ...]]:
    """Check that a channel has the options that it takes, and no others."""
    named = MarketChannel.parse(channel, "channel")
    if named.is_local:
        raise ValidationError(
            "channel", channel, "exists in this client only: there is nothing to subscribe to"
        )
    if (intervals is not None) is not (named is MarketChannel.CANDLE):
        raise ValidationError("intervals", intervals, "goes with channel candle, and with no other")
    if sig_figs is not None and (named is not MarketChannel.LEVEL2 or sig_figs not in _SIG_FIGS):
        raise ValidationError("sig_figs", sig_figs, "must be 0, 1 or 2, and goes with channel level2 only")
    if intervals is None:
        return named, (int(sig_figs or 0) if named is MarketChannel.LEVEL2 else None,)
    listed = [intervals] if isinstance(intervals, str) else list(intervals)
    if not listed:
        raise ValidationError("intervals", intervals, "must name at least one interval")
    return named, tuple(CandleInterval.parse(interval, "intervals") for interval in listed)


def _symbols(symbols: str | Iterable[str]) -> tuple[str, ...]:
    listed = [symbols] if isinstance(symbols, str) else list(symbols)
    if not listed:
        raise ValidationError("symbols", symbols, "must name at least one symbol")
    return tuple(dict.fromkeys(text(symbol, "symbols") for symbol in listed))
