"""The view of a board on a terminal, which is kept up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rich.console import Console
from rich.layout import Layout
from rich.live import Live

from ..threads import Deadline
from .board import Board
from .view import render

_FASTEST, _SLOWEST = 0.1, 1.0  # seconds between two pictures: of a busy market, and of a quiet one


class LiveView:
    """Draws a board on the full terminal, whose size may change at any time.

    Parameters
    ----------
    is_over : callable
        Called before each picture. If it returns True or raises an exception, `run` ends.
    """

    def __init__(self, board: Board, console: Console, is_over: Callable[[], bool]) -> None:
        self._board = board
        self._console = console
        self._is_over = is_over
        self._ended = threading.Event()

    def end(self) -> None:
        """End `run`, from any thread."""
        self._ended.set()
        self._board.changed.set()

    def run(self, seconds: float | None = None) -> None:
        """Draw until `end` is called, Ctrl-C is pressed, or the given time has passed."""
        deadline = Deadline(seconds)
        with Live(console=self._console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
            while not (self._ended.is_set() or deadline.passed or self._is_over()):
                self._board.changed.clear()
                live.update(self.picture(), refresh=True)
                self._ended.wait(_FASTEST)
                self._board.changed.wait(min(_SLOWEST, deadline.remaining() or _SLOWEST))

    def picture(self) -> Layout:
        """Return the current picture."""
        return render(self._board.snapshot(), self._console.width)
