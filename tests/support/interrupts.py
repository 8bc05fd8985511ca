"""Ctrl-C at a chosen line of the library, and the calls that it may interrupt."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import qfex
from qfex import (
    OrderRequest,
    TradeClient,
)
from tests.support.helpers import AAPL

_LIBRARY = qfex.__file__.removesuffix("__init__.py")
# A write that is interrupted cuts the connection, so that these files are not interrupted.
_WRITERS = ("net/transport.py", "net/frames.py")


class CtrlC:
    """A block in which KeyboardInterrupt is raised at the n-th line of the library that this thread executes."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.where = ""

    def __enter__(self) -> CtrlC:
        self._before = sys.gettrace()
        sys.settrace(self._enter)
        return self

    def __exit__(self, *exc_info: object) -> None:
        sys.settrace(self._before)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        return self._step if name.startswith(_LIBRARY) and not name.endswith(_WRITERS) else None

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line" and self.left > 0 and not _is_with(frame):
            self.left -= 1
            if self.left == 0:
                self.where = f"{frame.f_code.co_filename.removeprefix(_LIBRARY)}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self._step


def _is_with(frame: FrameType) -> bool:
    """Whether this is a ``with`` statement, which is traced again when its block ends, with the lock still held.

    The interpreter itself handles signals only after the lock is released.
    """
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with ")


CALLS: dict[str, Callable[[TradeClient], Any]] = {
    "a read": lambda client: client.get_user_trades(),
    "an order": lambda client: client.place_order(AAPL, "BUY", 1, 200),
    "a command with an exclusive key": lambda client: client.set_leverage(AAPL, 5),
    "a burst": lambda client: client.place_orders([OrderRequest(AAPL, "BUY", 1, 200)] * 2),
}
