"""Growth of the library's costs. Each module covers one dimension and has a ``run`` that returns the curve."""

from __future__ import annotations

from types import ModuleType

from benchmarks.growth import callbacks, in_flight, open_orders, session_length

DIMENSIONS: dict[str, ModuleType] = {
    "growth_in_flight": in_flight,
    "growth_open_orders": open_orders,
    "growth_callbacks": callbacks,
    "growth_session": session_length,
}
