"""The test rig: a server and the clients' processes for one trial, pinned where the scenario says so."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import clients, contest, machine, pinning, sdk_environment
from benchmarks.contest import Contest, Measure, Trial
from benchmarks.processes import ROOT, Checkout, Server, Unavailable, Worker
from benchmarks.scenarios import Contestant, Scenario
from benchmarks.server import certificate

#: This checkout, run by this interpreter.
HERE = Checkout(ROOT, sys.executable)


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes
    ----------
    trials
        Trials of each scenario, each with new processes. Verdicts need at least 8.
    rounds
        Rounds of a trial. Each contestant has two slices in a round.
    scale
        Factor on the number of operations of a slice.
    session_events
        Events in the long session.
    """

    trials: int = 12
    rounds: int = 8
    scale: float = 1.0
    session_events: int = 1_000_000

    @property
    def curve_rounds(self) -> int:
        """Rounds in which a growth curve is measured."""
        return min(self.trials, 7)

    def count(self, full: int, least: int = 16) -> int:
        """Scale a full run's count."""
        return max(least, int(full * self.scale))


class Rig:
    """A server and the clients that are asked for, all on `cpus` (any if empty), until the ``with`` block ends."""

    def __init__(self, cpus: frozenset[int] = frozenset(), *, tls: bool = False, delay: float = 0.0) -> None:
        self._cpus = cpus
        self._tls = tls
        self._delay = delay
        self._stack = ExitStack()
        self._workers: dict[tuple[str, Checkout], Worker] = {}
        self._environment: dict[str, str] = {}

    def __enter__(self) -> Rig:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        authority = folder / "authority.pem" if self._tls else None
        server = Server(self._cpus, delay=self._delay, authority_file=authority)
        self.server = self._stack.enter_context(server)
        if authority is not None:
            trust = ("SSL_CERT_FILE", "WEBSOCKET_CLIENT_CA_BUNDLE")
            self._environment = dict.fromkeys(trust, str(authority))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def worker(self, client: str, checkout: Checkout = HERE) -> Worker:
        """Return the client's process, started at the first call."""
        if (client, checkout) not in self._workers:
            worker = self._start(client, checkout)
            self._workers[client, checkout] = self._stack.enter_context(worker)
        return self._workers[client, checkout]

    def _start(self, client: str, checkout: Checkout) -> Worker:
        python: str = sys.executable
        library: str | None = None
        if client == clients.SDK:
            python, library = sdk_environment.python(), ""
        elif client in clients.OF_LIBRARY:
            python, library = checkout.python, str(checkout.root)
        return Worker(
            client, self.server.url, self._cpus, python=python, library=library, environment=self._environment
        )


@dataclass(frozen=True)
class Entrant:
    """A contestant, and the checkout whose library it uses if it uses the library."""

    contestant: Contestant
    checkout: Checkout = HERE

    def measure(self, rig: Rig, settings: Settings, *, busy: bool) -> Measure:
        """Start the contestant's process and return the measurement of one slice."""
        worker = rig.worker(self.contestant.client, self.checkout)
        task, arguments = self.contestant.task, self.contestant.sized(settings.scale)
        return lambda: worker.call(task, busy=busy, **arguments)


def entrants(scenario: Scenario) -> dict[str, Entrant]:
    """Return the scenario's contestants by their labels, all with this checkout."""
    return {each.label: Entrant(each) for each in scenario.contestants}


def run_scenario(scenario: Scenario, entered: Mapping[str, Entrant], settings: Settings) -> Contest:
    """Run the trials of a scenario."""
    result = Contest(absent=_unavailable(scenario, entered))
    present = {label: entrant for label, entrant in entered.items() if label not in result.absent}
    if not present:
        return result
    for number in range(min(settings.trials, scenario.trials or settings.trials)):
        watch = machine.LoadWatch(_cpus(scenario))
        result.trials.append(_trial(scenario, present, settings, number))
        result.foreign_loads.append(watch.foreign_share())
    return result


def _cpus(scenario: Scenario) -> frozenset[int]:
    return pinning.one_cpu() if scenario.pinned else frozenset()


def _trial(scenario: Scenario, present: Mapping[str, Entrant], settings: Settings, number: int) -> Trial:
    with Rig(_cpus(scenario), tls=scenario.tls, delay=scenario.delay) as rig:
        measures = {
            label: entrant.measure(rig, settings, busy=scenario.busy) for label, entrant in present.items()
        }
        if scenario.once:
            return contest.run_once(measures, number)
        rounds = min(settings.rounds, scenario.rounds or settings.rounds)
        return contest.run_trial(measures, rounds, number * rounds)


def _unavailable(scenario: Scenario, entered: Mapping[str, Entrant]) -> dict[str, str]:
    """Return why which contestants cannot run here."""
    if scenario.tls and not certificate.available():
        return dict.fromkeys(entered, "no certificate without the package trustme")
    if all(entrant.contestant.client != clients.SDK for entrant in entered.values()):
        return {}
    try:
        sdk_environment.python()
    except Unavailable as error:
        sdk = (label for label, entrant in entered.items() if entrant.contestant.client == clients.SDK)
        return dict.fromkeys(sdk, str(error))
    return {}
