"""The function calls of one order, most frequent first: ``python -m benchmarks.calls``.

Times change with the machine and with what else it does. This number changes with the code only. A call of a Python
function costs several times as much as one of a C function, so they are counted apart.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from benchmarks.clients.call_counts import CallCounts
from benchmarks.processes import Server
from benchmarks.scenarios import SCENARIOS

ORDERS = 200
_SHOWN = 60


def main() -> None:
    """Print the totals and the most frequent calls."""
    with (
        Server(frozenset(), delay=SCENARIOS["calls"].delay) as server,
        closing(CallCounts(server.url)) as client,
    ):
        calls = client.calls("round_trips", count=ORDERS)
    totals: Counter[tuple[str, bool]] = Counter()
    for call, number in calls.items():
        totals[call.thread, call.is_python] += number
    for (thread, is_python), number in totals.most_common():
        print(f"{number / ORDERS:8.1f}  {'Python' if is_python else 'C'} calls per order in {thread}")
    for call, number in calls.most_common(_SHOWN):
        print(f"{number / ORDERS:8.1f}  {call.thread:20} {'' if call.is_python else 'C '}{call.function}")


if __name__ == "__main__":
    main()
