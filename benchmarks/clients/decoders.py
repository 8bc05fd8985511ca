"""From a snapshot's bytes to dicts, and to the library's models; no connection is involved."""

from __future__ import annotations

import json

from benchmarks.server import replies
from benchmarks.timing import Sample, repeat
from qfex.protocol.trade.messages import decode


class Decoders:
    """Decodes answers to ``get_user_orders``."""

    def __init__(self, _url: str) -> None:
        self._snapshots: dict[int, bytes] = {}

    def close(self) -> None:
        """Nothing is open."""

    def _snapshot(self, orders: int) -> bytes:
        return self._snapshots.setdefault(orders, replies.open_orders(orders))

    def untyped(self, orders: int, count: int) -> Sample:
        """Decode to dicts and floats."""
        snapshot = self._snapshot(orders)
        return repeat(lambda: json.loads(snapshot), count)

    def typed(self, orders: int, count: int) -> Sample:
        """Decode to the library's models, exact decimals and times."""
        snapshot = self._snapshot(orders)
        (page,) = decode(snapshot)
        if len(page.orders) != orders:  # type: ignore[union-attr]
            raise RuntimeError(f"not decoded: {page!r:.200}")
        return repeat(lambda: decode(snapshot), count)
