"""One history: clients, the market and disturbances for a while; then quiet; then everybody has to agree.

Everything that is decided at random is decided by the seed. How the threads interleave is the machine's affair, so a
seed that failed may have to be run several times.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic
from typing import Any

from .actors import MarketActor, OtherSession
from .audit import audit
from .callers import LateComer, RestReader, Subscriber
from .check import Difference, differences, market_differences
from .ledger import Ledger
from .options import Options
from .participant import Participant
from .trace import Trace
from .trader import Trader
from .venue import PULSE, Venue
from .watcher import Watcher

LENGTH = 1.2  # seconds
QUIET = 5.0 + PULSE  # seconds within which everybody has to agree
_CALLS_END = 15.0  # seconds after which no call of a thread may still be running
_ASKED_FOR = 4  # orders of another client
_MARKET_RATE = 15.0  # things that happen per second


@dataclass
class Report:
    """What came of a history.

    Attributes
    ----------
    found : list of Difference
        Empty if everybody agrees.
    converged_after : float
        Seconds of quiet until everybody agreed.
    """

    seed: int
    options: Options
    found: list[Difference] = field(default_factory=list)
    converged_after: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    trace: Trace = field(default_factory=Trace)
    ledger: Ledger = field(default_factory=lambda: Ledger(""))

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, disturbed by {', '.join(self.options.classes) or 'nothing'}"]
        lines += [str(self.options.shapes)]
        for difference in self.found:
            lines += [f"- {difference}"]
            names = self.ledger.ids_of(difference.about)
            lines += [f"    {line}" for line in self.trace.about(names, difference.client)]
        return "\n".join(lines)


def run(seed: int, options: Options, length: float = LENGTH) -> Report:
    """Run one history."""
    before = set(threading.enumerate())
    report = Report(seed, options)
    with _quiet_log(), Venue(seed, options) as venue:
        _History(venue, seed, report).run(length)
        report.trace, report.ledger = venue.trace, venue.ledger
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("qfex")]
    report.found += [Difference("", f"thread {name} outlives its client") for name in left]
    return report


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Faults are the business of a history, and need not be logged."""
    log = logging.getLogger("qfex")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


class _History:
    def __init__(self, venue: Venue, seed: int, report: Report) -> None:
        self._venue = venue
        self._seed = seed
        self._report = report
        self._disturbances = venue.options.disturbances
        self._participants = [
            Participant("a", venue, seed),
            Participant("b", venue, seed, armed=self._disturbances.armed),
        ]
        self._late_comer = Participant("c", venue, seed)
        self._watcher = Watcher("w", venue, f"{seed}/w")

    def run(self, length: float) -> None:
        self._prepare()
        with ExitStack() as ends:
            for each in (*self._participants, self._late_comer, self._watcher):
                ends.callback(each.client.close)
            for each in (*self._participants, self._watcher):
                each.connect()
            self._act(length)
            if self._disturbances.late_comer:
                self._participants.append(self._late_comer)
                self._late_comer.others_orders = list(self._participants[0].seen.values())[:_ASKED_FOR]
            self._await_agreement()
            for participant in self._participants:
                self._report.found += audit(participant)
            self._count()

    def _prepare(self) -> None:
        """What the account begins with."""
        ledger = self._venue.ledger
        terms = {"symbol": "AAPL-USD", "side": "BUY", "order_type": "LIMIT", "order_time_in_force": "GTC"}
        for number in range(self._disturbances.old_trades):
            order = ledger.place(
                {**terms, "quantity": 1, "price": 50, "client_order_id": f"old{number}"}, "old"
            )
            ledger.fill(order, Decimal(1))
        for number in range(self._disturbances.old_orders):
            ledger.place({**terms, "quantity": 1, "price": 40, "client_order_id": f"rests{number}"}, "old")

    def _act(self, length: float) -> None:
        stop, seed, venue = threading.Event(), self._seed, self._venue
        actors: list[Any] = [
            Trader(participant, number + 2 * place, f"{seed}/{participant.name}{number}")
            for place, participant in enumerate(self._participants)
            for number in range(2)
        ]
        actors += [self._watcher, MarketActor(venue, f"{seed}/market", _MARKET_RATE)]
        actors += [OtherSession(venue, f"{seed}/other", self._disturbances.others)]
        actors += [RestReader(self._participants[0], f"{seed}/rest")]
        if self._disturbances.toggled or self._disturbances.armed:
            actors += [Subscriber(self._participants[1], f"{seed}/subscriber")]
        if self._disturbances.late_comer:
            actors += [LateComer(self._late_comer, f"{seed}/late comer")]
        threads = [
            threading.Thread(target=self._guarded, args=(actor, stop), daemon=True) for actor in actors
        ]
        venue.begin()
        for thread in threads:
            thread.start()
        stop.wait(length)
        stop.set()
        venue.calm_down()
        for thread, actor in zip(threads, actors, strict=True):
            thread.join(_CALLS_END)
            if thread.is_alive():
                self._report.found.append(Difference("", f"a call of {type(actor).__name__} does not end"))

    def _guarded(self, actor: Any, stop: threading.Event) -> None:
        try:
            actor.run(stop)
        except Exception as error:
            self._report.found.append(Difference("", f"{type(actor).__name__} failed: {error!r}"))

    def _await_agreement(self) -> None:
        begun, pause = monotonic(), threading.Event()
        while (found := self._differences()) and monotonic() - begun < QUIET:
            pause.wait(0.1)
        self._report.converged_after = monotonic() - begun
        self._report.found += found

    def _differences(self) -> list[Difference]:
        found = [each for participant in self._participants for each in differences(participant)]
        return found + market_differences(self._watcher)

    def _count(self) -> None:
        self._report.figures = {
            "calls": sum(len(participant.calls) for participant in self._participants),
            "cuts": self._venue.cuts,
            "orders": len(self._venue.ledger.orders),
            "trades": len(self._venue.ledger.trades),
        }
