"""A full-screen view of an account. Needs the extra "cli"."""

from __future__ import annotations

from .board import Board, Snapshot
from .screen import Screen
from .view import render

__all__ = ["Board", "Screen", "Snapshot", "render"]
