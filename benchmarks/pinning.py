"""The CPUs that the processes of a run may use.

With everything on one CPU, what is compared is the cost of the code alone. Wake-ups across CPUs, which differ from
machine to machine and from minute to minute, do not take part.
"""

from __future__ import annotations

import os
from collections.abc import Iterable


def one_cpu() -> frozenset[int]:
    """Return the last CPU, as the first one tends to serve interrupts; an empty set where the system cannot say."""
    return frozenset(available_cpus()[-1:])


def available_cpus() -> list[int]:
    """Return the CPUs that this process may use; none where the system cannot say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin_process(cpus: Iterable[int]) -> None:
    """Confine this process to `cpus`, if there are any. Threads that it starts later inherit this."""
    if cpus := set(cpus):
        os.sched_setaffinity(0, cpus)
