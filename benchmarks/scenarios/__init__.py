"""The scenarios: each module is one family, with a ``contest`` that measures all who take part.

``TITLE`` says what is done, ``METRICS`` which numbers the results page lists.
"""

from __future__ import annotations

from types import ModuleType

from benchmarks.scenarios import (
    busy_thread,
    event_latency,
    events,
    first_order,
    imports,
    memory,
    pipelined,
    round_trip,
    snapshot,
    threads,
    tls,
)

SCENARIOS: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        round_trip,
        threads,
        pipelined,
        events,
        event_latency,
        snapshot,
        memory,
        imports,
        first_order,
        busy_thread,
        tls,
    )
}
