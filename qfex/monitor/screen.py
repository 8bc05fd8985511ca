"""Keeps the picture on the terminal up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rich.console import Console
from rich.layout import Layout
from rich.live import Live

from ..deadline import Deadline
from .board import Board
from .view import render

_FASTEST, _SLOWEST = 0.1, 1.0  # seconds between two pictures: of a busy market, and of a quiet one


class Screen:
    """Draws a board on the whole terminal until told to end.

    The terminal's size is asked for before each picture, so that it may change at any time.

    Parameters
    ----------
    is_over : callable
        Asked before each picture; what it raises ends the screen, after the terminal is restored.
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
        """Draw until `end`, Ctrl-C, or the time is up."""
        deadline = Deadline(seconds)
        with Live(console=self._console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
            while not (self._ended.is_set() or deadline.passed or self._is_over()):
                self._board.changed.clear()
                live.update(self.picture(), refresh=True)
                self._ended.wait(_FASTEST)
                self._board.changed.wait(min(_SLOWEST, deadline.remaining() or _SLOWEST))

    def picture(self) -> Layout:
        """The picture as it is now."""
        return render(self._board.snapshot(), self._console.width)
