"""The bytes of a connection, between the socket and aiohttp: where they are counted, cut and held back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any, Literal

from .faults.countdown import Countdown

Direction = Literal["in", "out"]
_MOST_WRITES = 32  # that wait for one another


def reset_on_close(transport: asyncio.Transport) -> None:
    """Make the kernel send RST when the socket is closed: it lingers for zero seconds."""
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Outlet:
    """Lets what was written leave once in a turn of the event loop.

    A pipelining client's commands arrive many at a time; one system call for all their answers, not one for
    each, is worth a fifth of the server's time.
    """

    def __init__(self) -> None:
        self._wires: dict[Wire, None] = {}

    def expect(self, wire: Wire) -> None:
        """Flush a wire at the end of this turn."""
        if not self._wires:
            asyncio.get_running_loop().call_soon(self.flush)
        self._wires[wire] = None

    def flush(self) -> None:
        """Let everything leave now."""
        wires, self._wires = self._wires, {}
        for wire in wires:
            wire.flush()


class Wire:
    """The transport as aiohttp and `Line` see it; "in" is from the client, "out" to it.

    Parameters
    ----------
    transport : asyncio.Transport
        The socket's own.
    countdowns : dict of str to Countdown
        Shared by all connections: bytes that may still pass, by direction.
    outlet : Outlet
        Shared by all connections: says when to flush.

    Attributes
    ----------
    finished : bool
        Whether this side has ended the connection; when the client did, what it sent before still counts.
    """

    def __init__(
        self, transport: asyncio.Transport, countdowns: dict[str, Countdown], outlet: Outlet
    ) -> None:
        self._transport = transport
        self._countdowns = countdowns
        self._outlet = outlet
        self._written: list[bytes] = []
        self._held: list[bytes] | None = None
        self._stopped = False
        # Only the trade socket's bytes count; what a connection is for shows in its first line.
        self.counted = False
        self.finished = False
        self.is_closing = transport.is_closing
        self.get_write_buffer_size = transport.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        """Everything that is not watched here is the transport's own affair."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, as far as hold and countdown let it through."""
        if self._held is not None:
            self._held.append(bytes(data))
        elif self._countdowns and self.counted:
            self.flush()
            self.measured(bytes(data), "out", self._transport.write)
        else:
            if not self._written:
                self._outlet.expect(self)
            self._written.append(bytes(data))
            if len(self._written) >= _MOST_WRITES:
                self.flush()

    def flush(self) -> None:
        """Let what was written leave."""
        if self._written:
            written, self._written = self._written, []
            self._transport.write(b"".join(written))

    def close(self) -> None:
        """Close once everything has left."""
        self.flush()
        self._transport.close()

    def writelines(self, chunks: Iterable[bytes]) -> None:
        """Write all of them."""
        self.write(b"".join(chunks))

    def measured(self, data: bytes, direction: Direction, passed_on: Callable[[bytes], None]) -> None:
        """Pass on what the countdown allows, and cut the connection when it is spent."""
        countdown = self._countdowns.get(direction)
        if countdown is None:
            passed_on(data)
            return
        passed_on(data[: countdown.take(len(data))])
        if countdown.spent:
            del self._countdowns[direction]
            self.finished = direction == "out"
            self._sever(countdown.reset)

    def cut(self, *, reset: bool) -> None:
        """End the connection without a close frame: with FIN after what was written, or at once with RST."""
        self.finished = True
        self._sever(reset)

    def hold(self) -> None:
        """Let nothing out, pongs included, until `release`."""
        self.flush()
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Let out what was held back, and everything after it."""
        held, self._held = self._held, None
        if held and not self.is_closing():
            self.write(b"".join(held))

    def stop_reading(self) -> None:
        """Take nothing more from the socket, so that the client's writes fill its buffers."""
        self._stopped = True
        self._transport.pause_reading()

    def read_on(self) -> None:
        """Take from the socket again."""
        self._stopped = False
        self._transport.resume_reading()

    def resume_reading(self) -> None:
        """Aiohttp's own flow control, which does not undo `stop_reading`."""
        if not self._stopped:
            self._transport.resume_reading()

    def _sever(self, reset: bool) -> None:
        self.flush()
        if not reset:
            self._transport.close()
            return
        reset_on_close(self._transport)
        self._transport.abort()


class Tap(asyncio.Protocol):
    """Stands between a socket and the protocol that serves it.

    Parameters
    ----------
    inner : asyncio.Protocol
        Aiohttp's protocol for one connection.
    countdowns : dict of str to Countdown
        See `Wire`.
    outlet : Outlet
        See `Wire`.
    counted_prefix : bytes
        How the first line of a connection starts whose bytes count.
    """

    def __init__(
        self, inner: Any, countdowns: dict[str, Countdown], outlet: Outlet, counted_prefix: bytes
    ) -> None:
        self._inner = inner
        self._countdowns = countdowns
        self._outlet = outlet
        self._prefix = counted_prefix

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the wire in between."""
        assert isinstance(transport, asyncio.Transport)
        self._wire = Wire(transport, self._countdowns, self._outlet)
        self._inner.connection_made(self._wire)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on."""
        self._inner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Pass on."""
        keep_open: bool | None = self._inner.eof_received()
        return keep_open

    def pause_writing(self) -> None:
        """Pass on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Pass on, measured if anything is armed."""
        if self._prefix:
            self._wire.counted, self._prefix = data.startswith(self._prefix), b""
        if self._countdowns and self._wire.counted:
            self._wire.measured(data, "in", self._inner.data_received)
        else:
            self._inner.data_received(data)
