"""What a program pays before its first line runs."""

from __future__ import annotations

from benchmarks import contest, pinning
from benchmarks.lab import Settings
from benchmarks.processes import importer

TITLE = "Import time over a bare interpreter"
METRICS = ("mean_us", "modules")
LIBRARY = "from qfex import TradeClient"  # what a program needs; a lazy package would hide it behind its name
PACKAGE = "import qfex"
DEPENDENCIES = "import websocket, attrs, cattrs, requests"


def run(settings: Settings) -> contest.Contest:
    """Import in a new process each time; the warm-up round has written the byte code."""
    cpus = pinning.place("one").clients
    entries = {label: importer(label, cpus) for label in (DEPENDENCIES, PACKAGE, LIBRARY)}
    return contest.hold(entries, settings.rounds * 2 + 1)
