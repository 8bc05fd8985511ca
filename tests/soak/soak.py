"""The soak: many threads mix every command while lines are cut at random; then everybody's story is checked."""

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
from tests.soak.audit import Audit, armed_late, untrue_fills
from tests.soak.fault_injector import Saboteur
from tests.soak.trader import PRICES, Told, Trader
from tests.support.helpers import QUICK, eventually, outcome

_THREADS = 3  # of each client
_PAUSE = 0.03  # seconds between two cuts, on average


class Customer:
    """A client, its threads, and what its callbacks were told, if it has any."""

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
    def told(self) -> list[Told]:
        """All calls of its threads and its callback."""
        return [told for trader in (*self.traders, self._callback) for told in trader.told]


class Soak:
    """One run.

    Attributes
    ----------
    figures : dict
        What happened, in numbers.
    lies : list of str
        Everything that somebody was told and that was not so.
    """

    def __init__(self, cuts: int, seed: int, dialect: Any) -> None:
        self._cuts = cuts
        self._seed = seed
        self._dialect = dialect
        self.figures: dict[str, Any] = {"seed": seed, "dialect": dialect}
        self.lies: list[str] = []

    def run(self) -> None:
        """Soak, then check."""
        begun = monotonic()
        # An exchange that forgets nothing: the oldest unknown orders are asked about when all is over.
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
            customers = self._customers(sim)
            self._soak(sim, customers)
            self._check(sim, customers)
            for customer in customers:
                customer.client.close()
        self.figures["seconds"] = round(monotonic() - begun, 1)

    def _customers(self, sim: Simulator) -> list[Customer]:
        """Two clients of one account, of which one does not listen, one that arms cancel-on-disconnect, and one more."""
        shared, armed, other = (sim.create_account(50_000_000) for _ in range(3))
        return [
            Customer("a", sim, shared, self._seed),
            Customer("b", sim, shared, self._seed, listens=False),
            Customer("c", sim, armed, self._seed, cancel_on_disconnect=True),
            Customer("d", sim, other, self._seed),
        ]

    def _soak(self, sim: Simulator, customers: list[Customer]) -> None:
        stop, saboteur = threading.Event(), Saboteur(sim, Random(f"{self._seed}-saboteur"))
        traders = [trader for customer in customers for trader in customer.traders]
        with ThreadPoolExecutor(len(traders)) as pool:
            running = [pool.submit(trader.run, stop) for trader in traders]
            try:
                saboteur.run(lambda: _lost_lines(customers) >= self._cuts, _PAUSE, stop)
            finally:
                stop.set()
            for finished in running:
                finished.result()
        self.figures |= {"threads": len(traders), "faults": dict(saboteur.done.most_common())}

    # --- the check ---------------------------------------------------------------------------------------------

    def _check(self, sim: Simulator, customers: list[Customer]) -> None:
        self._settle(sim, customers)
        resolved = self._resolve_all(customers)
        ledger = sim.ledger
        told = [each for customer in customers for each in customer.told]
        self.lies += Audit(ledger, told, resolved).lies()
        for customer in customers:
            self._check_customer(sim, ledger, customer)
        self.lies += [f"failure of the simulator: {error!r}" for error in ledger.errors]
        self._count(told, resolved, customers)

    def _settle(self, sim: Simulator, customers: list[Customer]) -> None:
        """Give everybody a last new line, so that all that was missed is recovered, and let callbacks finish."""
        for customer in customers:
            customer.client.wait_until_ready()
        before = [customer.client.stats().reconnects for customer in customers]
        sim.faults.drop_now()
        for customer, number in zip(customers, before, strict=True):
            _await_new_line(customer.client, number)
            customer.client.get_user_orders()
            _await_callbacks(customer.client)

    def _resolve_all(self, customers: list[Customer]) -> dict[str, Any]:
        unknown = [
            (customer.client, told)
            for customer in customers
            for told in customer.told
            if isinstance(told.outcome, OutcomeUnknown) and told.command in ("add_order", "add_stop")
        ]

        def resolve(client: TradeClient, told: Told) -> Any:
            return outcome(lambda: client.resolve(told.key, told.asked["symbol"], timeout=10))

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda each: resolve(*each), unknown))
        return {told.key: order for (_, told), order in zip(unknown, found, strict=True)}

    def _check_customer(self, sim: Simulator, ledger: Any, customer: Customer) -> None:
        account_id, client = customer.account_id, customer.client
        if customer.listens:
            self.lies += untrue_fills(customer.fills, ledger, account_id)
        self.lies += [f"internal error: {error}" for error in customer.errors if error.kind == "internal"]
        rows = sim.exchange_call(lambda exchange: exchange.open_orders(account_id))
        believed, true = set(client.open_orders), {row.order_id for row in rows}
        if believed != true:
            self.lies.append(
                f"open orders: {len(believed - true)} are not open, {len(true - believed)} unknown"
            )
        if customer.armed:
            late = armed_late(ledger, account_id)
            self.lies += [f"traded before cancel-on-disconnect was armed on line {line}" for line in late]

    def _count(self, told: list[Told], resolved: dict[str, Any], customers: list[Customer]) -> None:
        kinds = Counter(_kind(each.outcome) for each in told)
        overtime = max((each.seconds - each.timeout for each in told), default=0.0)
        self.figures |= {
            "calls": len(told),
            "outcomes": dict(kinds.most_common()),
            "unknown orders resolved": len(resolved),
            "of them never placed": sum(order is None for order in resolved.values()),
            "fills": sum(len(customer.fills) for customer in customers),
            "errors reported": dict(Counter(error.kind for each in customers for error in each.errors)),
            "lines lost": _lost_lines(customers),
            "longest overtime of a call, s": round(overtime, 3),
            "lies": len(self.lies),
        }


def _lost_lines(customers: list[Customer]) -> int:
    """Lines that were lost under the clients, and replaced."""
    return sum(customer.client.stats().reconnects for customer in customers)


def _await_new_line(client: TradeClient, reconnects: int) -> None:
    eventually(lambda: client.stats().reconnects > reconnects, "the last new line", patience=30)
    client.wait_until_ready()


def _await_callbacks(client: TradeClient) -> None:
    eventually(lambda: client.stats().queue_depth == 0, "the last callback", patience=30)


def _kind(told: Any) -> str:
    if isinstance(told, OutcomeUnknown):
        return f"OutcomeUnknown, {told.reason}"
    return type(told).__name__ if isinstance(told, Exception) else "done"
