"""One direction of one connection through a cable."""

from __future__ import annotations

import asyncio

_PIECE = 16  # bytes that a slow lane moves at a time


class Lane:
    """Takes bytes at one end and lets them out at the other, as far as its state allows.

    Attributes
    ----------
    stalled : bool
        Bytes wait.
    lossy : bool
        Bytes vanish, and the end of the connection goes unnoticed.
    rate : float or None
        Bytes per second; None is as fast as it goes.
    """

    def __init__(self) -> None:
        self._target: asyncio.Transport | None = None
        self._waiting = bytearray()
        self._pump: asyncio.TimerHandle | None = None
        self._ending = False
        self.stalled = False
        self.lossy = False
        self.rate: float | None = None

    def lead_to(self, target: asyncio.Transport) -> None:
        """Let out there what comes, and what has come already."""
        self._target = target
        self.flow()

    def push(self, data: bytes) -> None:
        """Take bytes."""
        if not self.lossy:
            self._waiting += data
            self.flow()

    def end(self) -> None:
        """Close the target once everything has been let out."""
        if not self.lossy:
            self._ending = True
            self.flow()

    def flow(self) -> None:
        """Let out what may leave now."""
        target = self._target
        if target is None or target.is_closing() or self.stalled or self._pump is not None:
            return
        if self._waiting:
            self._let_out(target)
        if self._ending and not self._waiting:
            target.close()

    def _let_out(self, target: asyncio.Transport) -> None:
        size = len(self._waiting) if self.rate is None else _PIECE
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        target.write(piece)
        if self.rate is not None:
            pause = len(piece) / self.rate
            self._pump = asyncio.get_running_loop().call_later(pause, self._next)

    def _next(self) -> None:
        self._pump = None
        self.flow()
