"""The soak's other side: cuts lines at random points, and spoils what is said on them."""

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

# The replies to these may carry fills. Late, reversed or unreadable, fills would be out of order by this side's doing.
_TRADING = ("add_order", "modify_order")


class Saboteur:
    """Does harm to the lines of a simulator. `random` decides what and when.

    Attributes
    ----------
    done : Counter
        What it did, by name.
    """

    def __init__(self, sim: Simulator, random: Random) -> None:
        self._sim = sim
        self._random = random
        self.done: Counter[str] = Counter()

    def run(self, enough: Callable[[], bool], pause: float, stop: threading.Event) -> None:
        """Go on until it is enough."""
        kinds, weights = zip(*_HARM, strict=True)
        while not enough() and not stop.is_set():
            (harm,) = self._random.choices(kinds, weights)
            harm(self)
            self.done[harm.__name__.replace("_", " ")] += 1
            stop.wait(self._random.uniform(0.2, 1.8) * pause)
        self._sim.faults.clear()

    # --- cuts --------------------------------------------------------------------------------------------------

    def _some_connection(self) -> int | None:
        open_now = self._sim.connections
        return self._random.choice(open_now).id if open_now else None

    def drop_one(self) -> None:
        """Cut a line now."""
        connection = self._some_connection()
        if connection is not None:
            self._sim.faults.drop_now(connection=connection, reset=self._random.random() < 0.5)

    def drop_all(self) -> None:
        """Cut all lines now."""
        self._sim.faults.drop_now(reset=self._random.random() < 0.5)

    def drop_in_a_frame(self) -> None:
        """Cut the line that carries some byte, often in the middle of a message."""
        direction: Any = self._random.choice(["in", "out"])
        self._sim.faults.drop_after_bytes(
            self._random.randint(1, 3000), direction, reset=self._random.random() < 0.5
        )

    def drop_around_a_command(self) -> None:
        """Cut a line when a command has come, or before its reply."""
        faults, command = self._sim.faults, self._random.choice(_COMMANDS)
        drop = self._random.choice([faults.drop_before_command, faults.drop_before_reply])
        drop(command, reset=self._random.random() < 0.5)

    def close_politely(self) -> None:
        """End a line with a close frame."""
        connection = self._some_connection()
        if connection is not None:
            self._sim.faults.close_with(self._random.choice([1000, 1001, 1012]), connection=connection)

    # --- everything else ---------------------------------------------------------------------------------------

    def swallow(self) -> None:
        """Lose a command, or the reply to one."""
        faults, command = self._sim.faults, self._random.choice(_COMMANDS[:-2])
        self._random.choice([faults.swallow_reply, faults.swallow_command])(command)

    def delay(self) -> None:
        """Answer a command late."""
        seconds = self._random.uniform(0.05, 1.5)
        self._on_reply(self._sim.faults.delay, self._random.choice(_COMMANDS[:-2]), seconds)

    def _on_reply(self, fault: Callable[..., None], command: str, *arguments: Any) -> None:
        """Spoil the reply to a command, or a message about an order where the reply may carry fills."""
        if command in _TRADING:
            fault(*arguments, kind="order_response")
        else:
            fault(*arguments, command)

    def repeat(self) -> None:
        """Say something twice: an order's message or a fill."""
        self._sim.faults.duplicate(kind=self._random.choice(["order_response", "fill_response"]))

    def spoil(self) -> None:
        """Make a frame unreadable, or reorder a reply."""
        faults, command = self._sim.faults, self._random.choice(_COMMANDS[:-2])
        spoil = self._random.choice([faults.garble, faults.truncate, faults.reorder])
        if spoil != faults.reorder:
            self._on_reply(spoil, command)
        elif command not in _TRADING:
            faults.reorder(command)

    def refuse(self) -> None:
        """Turn away the next connections."""
        self._sim.faults.refuse_connections(self._random.randint(1, 3))

    def answer_with_an_error(self) -> None:
        """Refuse a command, with or without saying which."""
        echo: Any = self._random.choice(["object", "text", None])
        self._sim.faults.error_reply(self._random.choice(_COMMANDS[:-2]), "ServerError", "busy", echo=echo)


_HARM: list[tuple[Callable[[Saboteur], None], int]] = [
    (Saboteur.drop_one, 30),
    (Saboteur.drop_all, 2),
    (Saboteur.drop_in_a_frame, 30),
    (Saboteur.drop_around_a_command, 30),
    (Saboteur.close_politely, 5),
    (Saboteur.swallow, 3),
    (Saboteur.delay, 6),
    (Saboteur.repeat, 6),
    (Saboteur.spoil, 3),
    (Saboteur.refuse, 3),
    (Saboteur.answer_with_an_error, 5),
]
