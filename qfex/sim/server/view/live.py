"""Keeps the terminal showing the present."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from .render import render
from .snapshot import Snapshot

_PERIOD = 0.25


def show(take: Callable[[], Snapshot], heading: str, ended: threading.Event, console: Console) -> None:
    """Show what ``take`` returns, four times a second, until ``ended`` is set."""
    with Live(render(take(), heading), console=console, auto_refresh=False, screen=True) as screen:
        while not ended.wait(_PERIOD):
            screen.update(render(take(), heading), refresh=True)
