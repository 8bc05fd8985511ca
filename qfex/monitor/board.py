"""The data of the monitor: the newest state of an account and a market, from the events of two clients."""

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

_FILLS, _ENTRIES = 50, 20  # how many are kept, more than a screen shows


@attrs.frozen
class LogEntry:
    """One entry of the connection log."""

    time: datetime
    text: str
    is_bad: bool = False


@attrs.frozen
class Snapshot:
    """The data that one picture shows."""

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
    log: tuple[LogEntry, ...] = ()
    stats: Stats = Stats()


class Board:
    """Collects the events of two connected clients, also when connections are lost and restored.

    `_lock` guards the data that callbacks write. It is never held while a client is called.

    Parameters
    ----------
    trade : TradeClient
        Must be closed by the caller.
    market : MarketDataClient
        Must be closed by the caller.
    symbol : str
        Symbol whose order book and mark price are shown.
    rest : RestClient
        Used once, for positions and balance before the first events.
    title : str
        Title of the header, such as the name of the environment.
    """

    def __init__(
        self, trade: TradeClient, market: MarketDataClient, symbol: str, rest: RestClient, title: str = ""
    ) -> None:
        self._trade, self._market, self._rest = trade, market, rest
        self._symbol, self._title = symbol, title
        self._lock = threading.Lock()
        self._fills: deque[Fill] = deque(maxlen=_FILLS)
        self._log: deque[LogEntry] = deque(maxlen=_ENTRIES)
        self._book: OrderBook | None = None
        self._mark: MarkPrice | None = None
        self._first_positions: dict[str, Position] = {}
        self._first_balance: Balance | None = None
        #: Set after every change, and cleared by the view.
        self.changed = threading.Event()

    def start(self) -> None:
        """Subscribe to everything that the monitor shows."""
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
        trade.get_user_orders()  # fills `trade.open_orders`
        self._first_positions, self._first_balance = self._rest.positions(), self._rest.balance()

    def snapshot(self) -> Snapshot:
        """Return the current data."""
        trade, market = self._trade, self._market
        with self._lock:
            fills, log = tuple(self._fills), tuple(self._log)
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
            log=log,
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

    def _take_connection(self, client: str, event: ConnectionEvent) -> None:
        is_bad = event.state in (
            ConnectionState.DISCONNECTED,
            ConnectionState.RECONNECTING,
            ConnectionState.STALE,
        )
        gap = ""
        if event.gap_start is not None and event.gap_end is not None:
            gap = f" after {(event.gap_end - event.gap_start).total_seconds():.1f} s"
        reason = f": {event.reason}" if event.reason else ""
        self._add_entry(f"{client} {event.state.lower()}{gap}{reason}", is_bad)

    def _take_error(self, event: ErrorEvent) -> None:
        self._add_entry(f"{event.kind}: {event.message}", True)

    def _add_entry(self, text: str, is_bad: bool) -> None:
        with self._lock:
            self._log.appendleft(LogEntry(datetime.now(timezone.utc), text, is_bad))
        self.changed.set()
