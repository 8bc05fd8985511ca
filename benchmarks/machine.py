"""The machine, and the versions on it."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.timing import clock

_PACKAGES = ("websocket-client", "attrs", "cattrs", "msgspec", "requests")


def facts() -> dict[str, str]:
    """Return facts about the machine, as text by name."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": f"{os.cpu_count()} x {_cpu_model()}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "wsaccel": "installed: it makes the raw client and the sample faster"
        if find_spec("wsaccel")
        else "absent",
        "load when the run ended": _load(),
    }


def busy_seconds(cpus: frozenset[int]) -> float | None:
    """Return how long these CPUs (all if there are none) have been busy, added up; None where the system does not say."""
    try:
        rows = [
            line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")
        ]
    except OSError:
        return None
    names = {f"cpu{cpu}" for cpu in cpus} or {"cpu"}
    # user, nice, system, then idle and waiting for disks, which are left out, then interrupts and stolen time
    ticks = sum(sum(map(int, [*row[1:4], *row[6:9]])) for row in rows if row[0] in names)
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Return the CPU time of this process, and of its child processes that have ended."""
    return sum(os.times()[:4])


class LoadWatch:
    """Measures how much of some CPUs (of all if there are none) other programs used since the watch was made."""

    def __init__(self, cpus: frozenset[int]) -> None:
        self._cpus = cpus
        self._busy, self._own, self._start = busy_seconds(cpus), own_seconds(), clock()

    def foreign_share(self) -> float:
        """Return the share, from 0 to 1; 0 where the system does not say.

        Child processes count as other programs until they have ended.
        """
        busy, own, now = busy_seconds(self._cpus), own_seconds(), clock()
        if self._busy is None or busy is None:
            return 0.0
        capacity = (now - self._start) * (len(self._cpus) or os.cpu_count() or 1)
        return max(0.0, (busy - self._busy) - (own - self._own)) / capacity


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _load() -> str:
    return (
        "{:.2f} (1 min), {:.2f} (15 min)".format(*os.getloadavg()[::2]) if hasattr(os, "getloadavg") else "?"
    )
