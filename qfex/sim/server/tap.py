"""The bytes of a connection, between the socket and aiohttp: where they can be counted, cut and held back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Literal, cast

Direction = Literal["in", "out"]


class Wire(asyncio.Transport):
    """The transport that aiohttp sees. "in" is from the client, "out" to it.

    Attributes
    ----------
    budget : dict of str to int
        How many bytes may still pass in a direction; the connection is cut when they have passed.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._held: list[bytes] | None = None
        self._reading_held = False
        self.budget: dict[str, int] = {}
        self.reset_on_budget = False

    def cut(self, *, reset: bool = False) -> None:
        """End the connection without a close frame: with FIN after what was written, or at once with RST."""
        if reset:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def hold(self) -> None:
        """Let nothing out, pongs included, until `release`."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Let out what was held back, and everything after it."""
        held, self._held = self._held, None
        if held:
            self.write(b"".join(held))

    def stop_reading(self) -> None:
        """Take nothing more from the socket, so that the client's writes fill its buffers."""
        self._reading_held = True
        self._transport.pause_reading()

    def resume(self) -> None:
        """Take from the socket again."""
        self._reading_held = False
        self._transport.resume_reading()

    def admit(self, data: bytes, direction: Direction) -> bytes:
        """Return the part of ``data`` that may pass; a spent budget cuts the connection."""
        left = self.budget.get(direction)
        if left is None:
            return data
        self.budget[direction] = left - len(data)
        return data if len(data) < left else data[:left]

    def spent(self, direction: Direction) -> bool:
        """Say whether the direction's budget is used up."""
        return self.budget.get(direction, 1) <= 0

    def write(self, data: Any) -> None:
        """Write, as far as hold and budget let it through."""
        if self._held is not None:
            self._held.append(bytes(data))
            return
        if not self.budget:
            self._transport.write(data)
            return
        self._transport.write(self.admit(bytes(data), "out"))
        if self.spent("out"):
            self.cut(reset=self.reset_on_budget)

    def writelines(self, list_of_data: Any) -> None:
        """Write all of them."""
        self.write(b"".join(list_of_data))

    def pause_reading(self) -> None:
        """Aiohttp's own flow control."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Aiohttp's own flow control, unless reading was stopped from outside."""
        if not self._reading_held:
            self._transport.resume_reading()
