"""A full-screen view of an account in the terminal. It needs the extra "cli"."""

from __future__ import annotations

from .board import Board, Snapshot
from .live import LiveView
from .view import render

__all__ = ["Board", "LiveView", "Snapshot", "render"]
