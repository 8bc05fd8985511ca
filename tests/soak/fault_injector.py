"""The faults of the soak: connections cut at random points, and messages lost, delayed, repeated and garbled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from qfex.sim import Simulator

_COMMANDS = [
    "add_order", "add_order", "modify_order", "cancel_order", "cancel_all_orders", "get_order", "get_user_orders",
    "get_user_trades", "add_twap", "cancel_stop_order", "modify_stop_order", "set_user_leverage", "subscribe", "auth",
]  # fmt: skip

# The replies to these commands may carry fills. If they were delayed, reordered or garbled, the exchange itself would
# send fills out of order.
_TRADING = ("add_order", "modify_order")


class FaultInjector:
    """Injects faults into the connections of a simulator. `random` determines which and when.

    Attributes
    ----------
    done : Counter
        The number of injected faults, by name.
    """

    def __init__(self, sim: Simulator, random: Random) -> None:
        self._sim = sim
        self._random = random
        self.done: Counter[str] = Counter()

    def run(self, enough: Callable[[], bool], pause: float, stop: threading.Event) -> None:
        """Inject faults until there are enough, or until `stop` is set."""
        kinds, weights = zip(*_FAULTS, strict=True)
        while not enough() and not stop.is_set():
            (fault,) = self._random.choices(kinds, weights)
            fault(self)
            self.done[fault.__name__.replace("_", " ")] += 1
            stop.wait(self._random.uniform(0.2, 1.8) * pause)
        self._sim.faults.clear()

    # --- cuts -----------------------------------------------------------------------------------------------

    def _some_connection(self) -> int | None:
        open_now = self._sim.connections
        return self._random.choice(open_now).id if open_now else None

    def drop_one(self) -> None:
        """Cut a connection now."""
        connection = self._some_connection()
        if connection is not None:
            self._sim.faults.drop_now(connection=connection, reset=self._random.random() < 0.5)

    def drop_all(self) -> None:
        """Cut all connections now."""
        self._sim.faults.drop_now(reset=self._random.random() < 0.5)

    def drop_in_a_frame(self) -> None:
        """Cut a connection after a random number of bytes, often within a message."""
        direction: Any = self._random.choice(["in", "out"])
        self._sim.faults.drop_after_bytes(
            self._random.randint(1, 3000), direction, reset=self._random.random() < 0.5
        )

    def drop_around_a_command(self) -> None:
        """Cut a connection when a command arrives, or before its reply."""
        faults, command = self._sim.faults, self._random.choice(_COMMANDS)
        drop = self._random.choice([faults.drop_before_command, faults.drop_before_reply])
        drop(command, reset=self._random.random() < 0.5)

    def close_politely(self) -> None:
        """End a connection with a close frame."""
        connection = self._some_connection()
        if connection is not None:
            self._sim.faults.close_with(self._random.choice([1000, 1001, 1012]), connection=connection)

    # --- everything else ------------------------------------------------------------------------------------

    def swallow(self) -> None:
        """Lose a command, or the reply to one."""
        faults, command = self._sim.faults, self._random.choice(_COMMANDS[:-2])
        self._random.choice([faults.swallow_reply, faults.swallow_command])(command)

    def delay(self) -> None:
        """Delay the reply to a command."""
        seconds = self._random.uniform(0.05, 1.5)
        self._on_reply(self._sim.faults.delay, self._random.choice(_COMMANDS[:-2]), seconds)

    def _on_reply(self, fault: Callable[..., None], command: str, *arguments: Any) -> None:
        """Apply a fault to the reply to a command, or to an order's message where the reply may carry fills."""
        if command in _TRADING:
            fault(*arguments, kind="order_response")
        else:
            fault(*arguments, command)

    def repeat(self) -> None:
        """Send an order's message or a fill twice."""
        self._sim.faults.duplicate(kind=self._random.choice(["order_response", "fill_response"]))

    def garble(self) -> None:
        """Garble or truncate a frame, or reorder a reply."""
        faults, command = self._sim.faults, self._random.choice(_COMMANDS[:-2])
        fault = self._random.choice([faults.garble, faults.truncate, faults.reorder])
        if fault != faults.reorder:
            self._on_reply(fault, command)
        elif command not in _TRADING:
            faults.reorder(command)

    def refuse(self) -> None:
        """Refuse the next connections."""
        self._sim.faults.refuse_connections(self._random.randint(1, 3))

    def answer_with_an_error(self) -> None:
        """Reply to a command with an error, with or without an echo."""
        echo: Any = self._random.choice(["object", "text", None])
        self._sim.faults.error_reply(self._random.choice(_COMMANDS[:-2]), "ServerError", "busy", echo=echo)


_FAULTS: list[tuple[Callable[[FaultInjector], None], int]] = [
    (FaultInjector.drop_one, 30),
    (FaultInjector.drop_all, 2),
    (FaultInjector.drop_in_a_frame, 30),
    (FaultInjector.drop_around_a_command, 30),
    (FaultInjector.close_politely, 5),
    (FaultInjector.swallow, 3),
    (FaultInjector.delay, 6),
    (FaultInjector.repeat, 6),
    (FaultInjector.garble, 3),
    (FaultInjector.refuse, 3),
    (FaultInjector.answer_with_an_error, 5),
]
