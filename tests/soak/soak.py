"""The soak: many threads mix every command while connections are cut at random. Then every reported outcome is checked."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic
from typing import Any

from qfex import Channel, Fill, OutcomeUnknown, TradeClient
from qfex.sim import Simulator
from qfex.sim.engine import Rules
from tests.soak.audit import Audit, armed_late, false_fills
from tests.soak.fault_injector import FaultInjector
from tests.soak.trader import PRICES, CallRecord, Trader
from tests.support.helpers import QUICK, eventually, outcome

_THREADS = 3  # of each client
_PAUSE = 0.03  # seconds between two cuts, on average


class SoakClient:
    """A client with its threads, and with callbacks if it `listens`."""

    def __init__(
        self, name: str, sim: Simulator, credentials: Any, seed: int, listens: bool = True, **options: Any
    ) -> None:
        self.account_id = sim.account_id(credentials)
        self.armed = bool(options.get("cancel_on_disconnect"))
        self.client = TradeClient(sim.environment, credentials, reconnect=QUICK, rate_limit=None, **options)
        self.fills: list[Fill] = []
        self.errors: list[Any] = []
        self.traders = [
            Trader(f"{name}{number}", self.client, Random(f"{seed}-{name}{number}"))
            for number in range(_THREADS)
        ]
        self._callback = Trader(f"{name}c", self.client, Random(f"{seed}-{name}"))
        self.listens = listens
        if listens:
            self.client.on(Channel.FILLS, self.fills.append)
            self.client.on(Channel.ERRORS, self.errors.append)
            self.client.on(Channel.ORDERS, self._ask_back)
        self.client.connect()

    def _ask_back(self, order: Any) -> None:
        """A callback that calls the client, as callbacks do."""
        if self._callback.random.random() < 0.02:
            self._callback.get_user_trades()

    @property
    def records(self) -> list[CallRecord]:
        """All calls of its threads and of its callback."""
        return [record for trader in (*self.traders, self._callback) for record in trader.records]


class Soak:
    """One run of the soak.

    Attributes
    ----------
    figures : dict
        The numbers of the run.
    lies : list of str
        Every reported outcome that was not true.
    """

    def __init__(self, cuts: int, seed: int, dialect: Any) -> None:
        self._cuts = cuts
        self._seed = seed
        self._dialect = dialect
        self.figures: dict[str, Any] = {"seed": seed, "dialect": dialect}
        self.lies: list[str] = []

    def run(self) -> None:
        """Run the threads and the faults, then check."""
        begun = monotonic()
        # The exchange keeps its whole history: even the oldest unknown orders are resolved only at the end.
        rules = Rules(history_limit=10**9)
        options: Any = {
            "symbols": list(PRICES),
            "rate_limits": False,
            "ping_interval": 3600.0,
            "rules": rules,
        }
        with Simulator(dialect=self._dialect, seed=self._seed, **options) as sim:
            for symbol, price in PRICES.items():
                sim.set_mark_price(symbol, price)
            clients = self._connect_clients(sim)
            self._soak(sim, clients)
            self._check(sim, clients)
            for one in clients:
                one.client.close()
        self.figures["seconds"] = round(monotonic() - begun, 1)

    def _connect_clients(self, sim: Simulator) -> list[SoakClient]:
        """Four clients: two of one account, one of them without callbacks, one with cancel-on-disconnect, and one more."""
        shared, armed, other = (sim.create_account(50_000_000) for _ in range(3))
        return [
            SoakClient("a", sim, shared, self._seed),
            SoakClient("b", sim, shared, self._seed, listens=False),
            SoakClient("c", sim, armed, self._seed, cancel_on_disconnect=True),
            SoakClient("d", sim, other, self._seed),
        ]

    def _soak(self, sim: Simulator, clients: list[SoakClient]) -> None:
        stop, injector = threading.Event(), FaultInjector(sim, Random(f"{self._seed}-faults"))
        traders = [trader for one in clients for trader in one.traders]
        with ThreadPoolExecutor(len(traders)) as pool:
            running = [pool.submit(trader.run, stop) for trader in traders]
            try:
                injector.run(lambda: _lost_connections(clients) >= self._cuts, _PAUSE, stop)
            finally:
                stop.set()
            for finished in running:
                finished.result()
        self.figures |= {"threads": len(traders), "faults": dict(injector.done.most_common())}

    # --- the check ------------------------------------------------------------------------------------------

    def _check(self, sim: Simulator, clients: list[SoakClient]) -> None:
        self._settle(sim, clients)
        resolved = self._resolve_all(clients)
        ledger = sim.ledger
        records = [each for one in clients for each in one.records]
        self.lies += Audit(ledger, records, resolved).lies()
        for one in clients:
            self._check_client(sim, ledger, one)
        self.lies += [f"failure of the simulator: {error!r}" for error in ledger.errors]
        self._count(records, resolved, clients)

    def _settle(self, sim: Simulator, clients: list[SoakClient]) -> None:
        """Give every client a last new connection, which recovers all that was missed, and let callbacks finish."""
        for one in clients:
            one.client.wait_until_ready()
        before = [one.client.stats().reconnects for one in clients]
        sim.faults.drop_now()
        for one, number in zip(clients, before, strict=True):
            _await_reconnect(one.client, number)
            one.client.get_user_orders()
            _await_callbacks(one.client)

    def _resolve_all(self, clients: list[SoakClient]) -> dict[str, Any]:
        unknown = [
            (one.client, record)
            for one in clients
            for record in one.records
            if isinstance(record.outcome, OutcomeUnknown) and record.command in ("add_order", "add_stop")
        ]

        def resolve(client: TradeClient, record: CallRecord) -> Any:
            return outcome(lambda: client.resolve(record.key, record.request["symbol"], timeout=10))

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda each: resolve(*each), unknown))
        return {record.key: order for (_, record), order in zip(unknown, found, strict=True)}

    def _check_client(self, sim: Simulator, ledger: Any, one: SoakClient) -> None:
        account_id, client = one.account_id, one.client
        if one.listens:
            self.lies += false_fills(one.fills, ledger, account_id)
        self.lies += [f"internal error: {error}" for error in one.errors if error.kind == "internal"]
        rows = sim.exchange_call(lambda exchange: exchange.open_orders(account_id))
        believed, true = set(client.open_orders), {row.order_id for row in rows}
        if believed != true:
            self.lies.append(
                f"open orders: {len(believed - true)} are not open, {len(true - believed)} unknown"
            )
        if one.armed:
            late = armed_late(ledger, account_id)
            self.lies += [
                f"traded before cancel-on-disconnect was armed on connection {number}" for number in late
            ]

    def _count(self, records: list[CallRecord], resolved: dict[str, Any], clients: list[SoakClient]) -> None:
        kinds = Counter(_kind(each.outcome) for each in records)
        overtime = max((each.seconds - each.timeout for each in records), default=0.0)
        self.figures |= {
            "calls": len(records),
            "outcomes": dict(kinds.most_common()),
            "unknown orders resolved": len(resolved),
            "of them never placed": sum(order is None for order in resolved.values()),
            "fills": sum(len(one.fills) for one in clients),
            "errors reported": dict(Counter(error.kind for each in clients for error in each.errors)),
            "connections lost": _lost_connections(clients),
            "longest overtime of a call, s": round(overtime, 3),
            "lies": len(self.lies),
        }


def _lost_connections(clients: list[SoakClient]) -> int:
    """Connections that the clients have lost and replaced."""
    return sum(one.client.stats().reconnects for one in clients)


def _await_reconnect(client: TradeClient, reconnects: int) -> None:
    eventually(lambda: client.stats().reconnects > reconnects, "the last new connection", patience=30)
    client.wait_until_ready()


def _await_callbacks(client: TradeClient) -> None:
    eventually(lambda: client.stats().queue_depth == 0, "the last callback", patience=30)


def _kind(result: Any) -> str:
    if isinstance(result, OutcomeUnknown):
        return f"OutcomeUnknown, {result.reason}"
    return type(result).__name__ if isinstance(result, Exception) else "done"
