"""The market data client: public streams as newest values, callbacks and queues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from .enums import CandleInterval, ErrorCode, MarketChannel
from .environment import Environment
from .errors import InvalidParameter, RequestTimeout, ValidationError
from .market_events import MarketEventMethods
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
from .policies import ReconnectPolicy
from .protocol.market_commands import (
    EVERY_SYMBOL,
    MarketSubscribe,
    MarketUnsubscribe,
    Option,
    Topic,
    subscriptions,
)
from .protocol.market_dialogue import MarketDialogue, unconfirmed
from .protocol.numbers import text
from .session.deadline import Deadline
from .session.options import TransportOptions

_T = TypeVar("_T")

_SIG_FIGS = (0, 1, 2)


class MarketDataClient(MarketEventMethods):
    """A blocking client of the market data gateway. It needs no credentials.

    ::

        with MarketDataClient(PROD) as client:
            print(client.bbo("AAPL-USD"))
            client.on(MarketChannel.TRADE, print)
            client.subscribe(MarketChannel.TRADE, ["AAPL-USD", "GOLD-USD"])
            client.block_for_close()

    The reads (`bbo`, `order_book`, ...) return the newest value of this line: they subscribe when that is needed,
    and wait for the first value. After a lost line the streams are subscribed again, and values of the old line are
    not given out any more. A consumer that is slow gets the newest snapshot of each symbol; of trades it misses the
    oldest ones.

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
        self._dialogue = MarketDialogue(environment.market_data_url)
        super().__init__(
            "qfex-market-data",
            self._dialogue,
            request_timeout=request_timeout,
            reconnect=reconnect,
            options=TransportOptions(proxy, ca_file, request_timeout),
        )

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
        """Subscribe to a channel. Restored on every line; asking twice does no harm.

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
        """Unsubscribe. Takes and raises what `subscribe` does."""
        named, options = _options(channel, intervals, sig_figs)
        command = MarketUnsubscribe(named, _symbols(symbols), options)
        with self._session.state_lock:
            self._dialogue.drop(command.topics)
        self._request(command, timeout)

    def _subscribe(self, topics: Iterable[Topic], deadline: Deadline) -> None:
        with self._session.state_lock:
            lacking = self._dialogue.lacking(topics)
            # Noted before it is asked for, so that a line lost in between restores it.
            self._dialogue.want(lacking)
        commands, refused = list(subscriptions(lacking)), dict[str, None]()
        while commands:
            try:
                ack = self._caller.request(commands[0], deadline.remaining())
            except BaseException:
                self._forget(topic for command in commands for topic in command.topics)
                raise
            command = commands.pop(0)
            refused.update(dict.fromkeys(unconfirmed(command, ack)))
            self._forget(topic for topic in command.topics if topic.symbol in refused)
        if refused:
            message = f"the exchange did not confirm {', '.join(refused)}"
            raise InvalidParameter(ErrorCode.INVALID_PARAMETER, message)

    def _forget(self, topics: Iterable[Topic]) -> None:
        with self._session.state_lock:
            self._dialogue.drop(topics)

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
        """Trades since the subscription, oldest first, at most the newest 1,000; waits for the first one."""
        self._newest(PublicTrade, MarketChannel.TRADE, symbol, timeout)
        with self._session.state_lock:
            return self._dialogue.trades(Topic(MarketChannel.TRADE, text(symbol, "symbol")))

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
        self.wait_until_ready(deadline.remaining())  # values of a lost line are stale
        self._subscribe([topic], deadline)

        def newest() -> _T | None:
            value: _T | None = self._dialogue.newest(topic)
            return value

        value = self._wait_for(newest, lambda value: value is not None, deadline)
        if value is None:
            raise RequestTimeout(f"no {channel} of {symbol} within the time allowed", sent=True)
        return value

    def _sequence_gaps(self) -> int:
        return self._dialogue.sequence_gaps


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
