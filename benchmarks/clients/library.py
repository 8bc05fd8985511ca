"""The library, through its public interface, as its documentation shows it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from benchmarks.clients.messages import PUBLIC_KEY, SECRET_KEY
from benchmarks.memory import resident_bytes
from benchmarks.server import bursts, session
from benchmarks.timing import Laps, Sample, Stopwatch, clock, percentiles, repeat
from qfex import (
    Channel,
    Environment,
    Fill,
    HmacCredentials,
    Order,
    OrderRequest,
    PendingOrder,
    Side,
    TimeInForce,
    TradeClient,
)

QUANTITY, PRICE = Decimal("1"), Decimal("251.25")
TIMEOUT = 60.0


class LibraryClient:
    """A `TradeClient` with its defaults, but without client-side throttling, which would hide everything else."""

    def __init__(self, url: str) -> None:
        # No task uses REST, so its address leads nowhere.
        self._environment = Environment(trade_url=url, market_data_url=url, rest_url="http://127.0.0.1:9")
        self._client = self._connect()
        self._held: list[PendingOrder] = []

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _connect(self) -> TradeClient:
        credentials = HmacCredentials(PUBLIC_KEY, SECRET_KEY)
        client = TradeClient(self._environment, credentials, rate_limit=None, request_timeout=TIMEOUT)
        client.connect()
        return client

    def _order(self, symbol: str = session.ORDER, quantity: Decimal = QUANTITY) -> Order:
        return self._client.place_order(symbol, Side.BUY, quantity, PRICE)

    @contextmanager
    def _callbacks(self, callbacks: int) -> Iterator[None]:
        registrations = [self._client.on(Channel.ORDERS, _ignore) for _ in range(callbacks)]
        yield
        for each in registrations:
            each.cancel()

    def _ioc_order(self) -> Order:
        return self._client.place_order(
            session.ORDER, Side.BUY, QUANTITY, PRICE, time_in_force=TimeInForce.IOC
        )

    def _submit(self, symbol: str = session.ORDER) -> PendingOrder:
        return self._client.submit_order(symbol, Side.BUY, QUANTITY, PRICE)

    def round_trips(self, count: int, callbacks: int = 0, resting: bool = True) -> Sample:
        """Place `count` orders, one after the other, while callbacks receive the messages about them.

        Resting orders stay open for the rest of the session. The others are cancelled by their answers.
        """
        with self._callbacks(callbacks):
            return repeat(self._order if resting else self._ioc_order, count)

    def threads(self, threads: int, count: int) -> Sample:
        """Place `count` orders from several threads that share the client."""
        laps: list[list[float]] = [[] for _ in range(threads)]
        barrier = threading.Barrier(threads + 1)

        def trade(mine: list[float]) -> None:
            barrier.wait()
            for _ in range(count // threads):
                before = clock()
                self._order()
                mine.append(clock() - before)

        workers = [threading.Thread(target=trade, args=(mine,)) for mine in laps]
        for worker in workers:
            worker.start()
        barrier.wait()
        watch = Stopwatch()
        for worker in workers:
            worker.join()
        all_laps = [lap for mine in laps for lap in mine]
        return {**watch.per_operation(len(all_laps)), **percentiles(all_laps)}

    def window(self, in_flight: int, count: int) -> Sample:
        """Keep `in_flight` orders under way from one thread: submit another as soon as the oldest is answered."""
        under_way: deque[tuple[float, PendingOrder]] = deque()
        laps = []
        watch = Stopwatch()
        for number in range(count + in_flight):
            if number >= in_flight:
                submitted, oldest = under_way.popleft()
                oldest.result()
                laps.append(clock() - submitted)
            if number < count:
                under_way.append((clock(), self._submit()))
        return {**watch.per_operation(count), **percentiles(laps)}

    def batches(self, size: int, count: int) -> Sample:
        """Place `count` orders with ``place_orders``, `size` at a time."""
        batch = [OrderRequest(session.ORDER, Side.BUY, QUANTITY, PRICE) for _ in range(size)]
        batches = count // size
        watch = Stopwatch()
        for _ in range(batches):
            for outcome in self._client.place_orders(batch):
                if isinstance(outcome, Exception):
                    raise outcome
        return watch.per_operation(batches * size)

    def first_orders(self, count: int) -> Sample:
        """Connect, authenticate, subscribe, place one order."""
        laps = Laps()
        idle = self._client
        for _ in range(count):
            with laps:
                self._client = self._connect()
                self._order()
            self._client.close()
        self._client = idle
        return laps.sample()

    def events(self, count: int, callbacks: int = 1) -> Sample:
        """Receive a burst of `count` pushed messages in callbacks."""
        arrived = threading.Event()

        def last(order: Order) -> None:
            if order.symbol == bursts.LAST:
                arrived.set()

        with self._callbacks(callbacks - 1):
            registration = self._client.on(Channel.ORDERS, last)
            self._order(bursts.FILLED_ORDERS, Decimal(count))
            watch = Stopwatch()
            self._order(bursts.FIRE)
            if not arrived.wait(TIMEOUT):
                raise TimeoutError("the burst did not arrive")
            sample = watch.per_operation(count)
            registration.cancel()
        return sample

    def event_latency(self, count: int) -> Sample:
        """Measure from sending an order to the callback with the fill that is pushed just before its answer."""
        laps = []
        filled = threading.Semaphore(0)

        def on_fill(_fill: Fill) -> None:
            laps.append(clock() - started)
            filled.release()

        registration = self._client.on(Channel.FILLS, on_fill)
        watch = Stopwatch()
        for _ in range(count):
            started = clock()
            self._order(session.WITH_FILL)
            if not filled.acquire(timeout=TIMEOUT):
                raise TimeoutError("the fill did not arrive")
        sample = {**watch.per_operation(count), **percentiles(laps)}
        registration.cancel()
        return sample

    def queued_memory(self, count: int) -> Sample:
        """Measure the memory that `count` order events take in a stream that nobody reads for now."""
        self._order(bursts.FILLED_ORDERS, Decimal(count))
        with self._client.stream(Channel.ORDERS, maxsize=2 * count) as stream:
            before = resident_bytes()
            self._order(bursts.FIRE)
            self._order()  # its answer follows the burst, so all of the burst was read when this returns
            after = resident_bytes()
            while stream.get(TIMEOUT).symbol != bursts.LAST:
                pass
        return {"bytes": (after - before) / count}

    def hold(self, count: int) -> Sample:
        """Submit `count` orders that the server leaves unanswered until `release`."""
        self._held += [self._submit(session.HOLD) for _ in range(count)]
        return {}

    def release(self) -> Sample:
        """Let the server answer every held order."""
        self._order(session.RELEASE)
        for pending in self._held:
            pending.result()
        self._held.clear()
        return {}

    def track(self, count: int) -> Sample:
        """Give the account `count` more open orders, and return how many the client knows of."""
        if count:
            self._order(bursts.OPEN_ORDERS, Decimal(count))
            self._order(bursts.FIRE)
        self._order()
        return {"open_orders": len(self._client.open_orders)}

    def resident(self) -> Sample:
        """Return how much memory the process takes."""
        return {"bytes": resident_bytes()}


def _ignore(_order: Order) -> None:
    """Serve as one more callback."""
