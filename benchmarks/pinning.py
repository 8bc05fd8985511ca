"""Where the processes of a run may execute.

With everything on one CPU, what is compared is the cost of the code alone: wake-ups across cores stay out of
it, which differ from machine to machine and from minute to minute.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

PINS = ("one", "split", "none")


@dataclass(frozen=True)
class Placement:
    """The CPUs of the server and those of the clients; an empty set means any."""

    server: frozenset[int]
    clients: frozenset[int]


def place(pin: str) -> Placement:
    """Return the placement that a pin's name stands for; ``split`` needs two CPUs, else it means ``one``."""
    cpus = available_cpus()
    if pin == "none" or not cpus:
        return Placement(frozenset(), frozenset())
    last = frozenset(cpus[-1:])  # the first CPU tends to serve the machine's interrupts
    if pin == "split" and len(cpus) > 1:
        return Placement(frozenset(cpus[:1]), last)
    return Placement(last, last)


def available_cpus() -> list[int]:
    """Return the CPUs that this process may use; none where the platform cannot say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin_process(cpus: Iterable[int]) -> None:
    """Confine this process; to be called before it starts threads, which inherit it."""
    if cpus := set(cpus):
        os.sched_setaffinity(0, cpus)
