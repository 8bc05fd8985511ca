"""The machine, and the versions on it."""

from __future__ import annotations

import math
import os
import platform
import time
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

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


def idle_seconds() -> float | None:
    """Return how long the CPUs have been idle, all added up; None where the system does not say (Linux: /proc/stat)."""
    try:
        counters = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    idle, waiting = int(counters[4]), int(counters[5])
    return (idle + waiting) / os.sysconf("SC_CLK_TCK")


class IdleWatch:
    """Measures how many CPUs were idle, on average, since the watch was made."""

    def __init__(self) -> None:
        self._idle, self._started = idle_seconds(), time.perf_counter()

    def idle_cpus(self) -> float:
        """Return the number of idle CPUs; infinite where the system does not say."""
        now = idle_seconds()
        if self._idle is None or now is None:
            return math.inf
        return (now - self._idle) / (time.perf_counter() - self._started)


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
