"""From a snapshot's bytes to dicts, and to the library's models; no connection is involved."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from benchmarks.server import replies
from benchmarks.timing import Sample, repeat

#: Modules that decode the trade gateway's frames, the newest first: older checkouts are compared with newer ones.
_DECODING_MODULES = ("qfex.protocol.trade.messages", "qfex.protocol.messages")


def _decode_function() -> Callable[[bytes], Sequence[Any]]:
    for name in _DECODING_MODULES:
        try:
            module = import_module(name)
        except ModuleNotFoundError:
            continue
        decode: Callable[[bytes], Sequence[Any]] = module.decode
        return decode
    raise RuntimeError(f"none of these modules is there: {', '.join(_DECODING_MODULES)}")


class Decoders:
    """Decodes answers to ``get_user_orders``."""

    def __init__(self, _url: str) -> None:
        self._decode = _decode_function()
        self._snapshots: dict[int, bytes] = {}

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _snapshot(self, orders: int) -> bytes:
        return self._snapshots.setdefault(orders, replies.open_orders(orders))

    def untyped(self, orders: int, count: int) -> Sample:
        """Decode to dicts and floats."""
        snapshot = self._snapshot(orders)
        return repeat(lambda: json.loads(snapshot), count)

    def typed(self, orders: int, count: int) -> Sample:
        """Decode to the library's models, with exact decimals and times."""
        snapshot = self._snapshot(orders)
        (page,) = self._decode(snapshot)
        if len(page.orders) != orders:
            raise RuntimeError(f"not decoded: {page!r:.200}")
        return repeat(lambda: self._decode(snapshot), count)
