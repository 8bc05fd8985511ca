"""Bursts of pushed messages, prepared in advance so that sending them costs the server next to nothing.

A client asks for a burst with ordinary orders, through its own interface. An order on one of the symbols of `KINDS`
prepares as many messages as its quantity says; several such orders add up. An order on `FIRE` sends them all right after
its own acknowledgement. The last message of a burst has the symbol `LAST`.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.server import frames, replies

FIRE = "FIRE-USD"
LAST = "LAST-USD"
FILLED_ORDERS = "BURST-FILLED-USD"
OPEN_ORDERS = "BURST-OPEN-USD"
FILLS = "BURST-FILLS-USD"

KINDS: dict[str, Callable[[bytes], bytes]] = {
    FILLED_ORDERS: replies.order_filled,
    OPEN_ORDERS: lambda symbol: replies.order_ack(symbol, b"open-order"),
    FILLS: lambda symbol: replies.fill(symbol, b"burst-fill"),
}


def prepare(kind: str, count: int) -> bytes:
    """Return `count` messages of a kind as frames, ready to be written in one go."""
    message = KINDS[kind]
    burst = [frames.encode(message(b"BENCH-USD")) for _ in range(count - 1)]
    burst.append(frames.encode(message(LAST.encode())))
    return b"".join(burst)
