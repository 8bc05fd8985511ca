"""What the monitor knows: the newest of everything, gathered from two clients' callbacks."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timezone

import attrs

from ..client import TradeClient
from ..enums import Channel, ConnectionState, MarketChannel
from ..market_data import MarketDataClient
from ..models.account import Balance, Position
from ..models.connection import ConnectionEvent, ErrorEvent, Stats
from ..models.market import MarkPrice, OrderBook
from ..models.orders import Fill, Order
from ..rest import RestClient

_FILLS, _NEWS = 50, 20  # kept; more than a screen shows


@attrs.frozen
class News:
    """One line of the connection's story."""

    time: datetime
    text: str
    is_bad: bool = False


@attrs.frozen
class Snapshot:
    """Everything that one picture shows."""

    title: str
    time: datetime
    symbol: str
    trade_state: ConnectionState
    market_state: ConnectionState
    balance: Balance | None = None
    positions: dict[str, Position] = attrs.Factory(dict)
    orders: dict[str, Order] = attrs.Factory(dict)
    fills: tuple[Fill, ...] = ()
    book: OrderBook | None = None
    mark: MarkPrice | None = None
    news: tuple[News, ...] = ()
    stats: Stats = Stats()


class Board:
    """Gathers what two connected clients tell, across lost and restored lines.

    `_lock` guards what callbacks write; it is never held while a client is called.

    Parameters
    ----------
    trade, market
        The clients. They stay the caller's, who closes them.
    symbol : str
        Whose book and mark price are shown.
    rest : RestClient
        Asked once, for what the account has before its channels tell of it.
    title : str
        What the header says, such as the environment.
    """

    def __init__(
        self, trade: TradeClient, market: MarketDataClient, symbol: str, rest: RestClient, title: str = ""
    ) -> None:
        self._trade, self._market, self._rest = trade, market, rest
        self._symbol, self._title = symbol, title
        self._lock = threading.Lock()
        self._fills: deque[Fill] = deque(maxlen=_FILLS)
        self._news: deque[News] = deque(maxlen=_NEWS)
        self._book: OrderBook | None = None
        self._mark: MarkPrice | None = None
        self._first_positions: dict[str, Position] = {}
        self._first_balance: Balance | None = None
        #: Set whenever something has changed; the screen clears it.
        self.changed = threading.Event()

    def start(self) -> None:
        """Subscribe to everything that is shown."""
        trade, market = self._trade, self._market
        trade.on(Channel.FILLS, self._take_fill)
        trade.on(Channel.CONNECTION, lambda event: self._take_connection("trade", event))
        trade.on(Channel.ERRORS, self._take_error)
        for channel in (Channel.ORDERS, Channel.POSITIONS, Channel.BALANCES, Channel.STOP_ORDERS):
            trade.on(channel, self._take_change)
        market.on(MarketChannel.LEVEL2, self._take_book)
        market.on(MarketChannel.MARK_PRICE, self._take_mark)
        market.on(MarketChannel.CONNECTION, lambda event: self._take_connection("market data", event))
        market.subscribe(MarketChannel.LEVEL2, self._symbol)
        market.subscribe(MarketChannel.MARK_PRICE, self._symbol)
        trade.get_user_orders()  # from its answer the client learns which orders are live
        self._first_positions, self._first_balance = self._rest.positions(), self._rest.balance()

    def snapshot(self) -> Snapshot:
        """What is known now."""
        trade, market = self._trade, self._market
        with self._lock:
            fills, news = tuple(self._fills), tuple(self._news)
            book, mark = self._book, self._mark
        return Snapshot(
            title=self._title,
            time=datetime.now(timezone.utc),
            symbol=self._symbol,
            trade_state=trade.state,
            market_state=market.state,
            balance=trade.balance or self._first_balance,
            positions={**self._first_positions, **trade.positions},
            orders=trade.open_orders,
            fills=fills,
            book=book,
            mark=mark,
            news=news,
            stats=trade.stats(),
        )

    def _take_change(self, event: object) -> None:
        self.changed.set()

    def _take_fill(self, fill: Fill) -> None:
        with self._lock:
            self._fills.appendleft(fill)
        self.changed.set()

    def _take_book(self, book: OrderBook) -> None:
        with self._lock:
            self._book = book
        self.changed.set()

    def _take_mark(self, mark: MarkPrice) -> None:
        with self._lock:
            self._mark = mark
        self.changed.set()

    def _take_connection(self, line: str, event: ConnectionEvent) -> None:
        is_bad = event.state in (
            ConnectionState.DISCONNECTED,
            ConnectionState.RECONNECTING,
            ConnectionState.STALE,
        )
        gap = ""
        if event.gap_start is not None and event.gap_end is not None:
            gap = f" after {(event.gap_end - event.gap_start).total_seconds():.1f} s"
        reason = f": {event.reason}" if event.reason else ""
        self._tell(f"{line} {event.state.lower()}{gap}{reason}", is_bad)

    def _take_error(self, event: ErrorEvent) -> None:
        self._tell(f"{event.kind}: {event.message}", True)

    def _tell(self, text: str, is_bad: bool) -> None:
        with self._lock:
            self._news.appendleft(News(datetime.now(timezone.utc), text, is_bad))
        self.changed.set()
