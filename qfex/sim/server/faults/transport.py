"""Faults below the WebSocket: a transport whose bytes are counted, cut and held back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plan import Countdown, Direction

_MOST_WRITES = 32  # How many writes to collect before they are flushed.


def reset_on_close(transport: asyncio.Transport) -> None:
    """Make the kernel send RST when the socket is closed, by letting it linger for zero seconds."""
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class FlushScheduler:
    """Flushes written transports once in each turn of the event loop.

    The commands of a pipelining client arrive many at a time. Sending all their answers with one system call, instead of
    one call for each, saves a fifth of the server's time.
    """

    def __init__(self) -> None:
        self._transports: dict[FaultTransport, None] = {}

    def schedule(self, transport: FaultTransport) -> None:
        """Flush a transport at the end of this turn."""
        if not self._transports:
            asyncio.get_running_loop().call_soon(self.flush)
        self._transports[transport] = None

    def flush(self) -> None:
        """Flush all scheduled transports now."""
        transports, self._transports = self._transports, {}
        for transport in transports:
            transport.flush()


class FaultTransport:
    """Wraps the transport of a connection; "in" is from the client, "out" is to it.

    Parameters
    ----------
    transport : asyncio.Transport
        The socket's transport.
    countdowns : dict of str to Countdown
        How many bytes may still pass, by direction; shared by all connections.
    flusher : FlushScheduler
        Schedules flushes; shared by all connections.

    Attributes
    ----------
    counted : bool
        Whether the connection's bytes count, which is so for trade connections. The request line tells them apart.
    finished : bool
        Whether this side has ended the connection. When the client ends it, its earlier messages are still processed.
    """

    def __init__(
        self, transport: asyncio.Transport, countdowns: dict[str, Countdown], flusher: FlushScheduler
    ) -> None:
        self._transport = transport
        self._countdowns = countdowns
        self._flusher = flusher
        self._written: list[bytes] = []
        self._held: list[bytes] | None = None
        self._stopped = False
        self.counted = False
        self.finished = False
        self.is_closing = transport.is_closing
        self.get_write_buffer_size = transport.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the socket's transport."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write as far as `hold` and the countdown permit."""
        if self._held is not None:
            self._held.append(bytes(data))
        elif self._countdowns and self.counted:
            self.flush()
            self.pass_counted(bytes(data), "out", self._transport.write)
        else:
            if not self._written:
                self._flusher.schedule(self)
            self._written.append(bytes(data))
            if len(self._written) >= _MOST_WRITES:
                self.flush()

    def flush(self) -> None:
        """Pass collected writes to the socket."""
        if self._written:
            written, self._written = self._written, []
            self._transport.write(b"".join(written))

    def close(self) -> None:
        """Close after everything has been written."""
        self.flush()
        self._transport.close()

    def writelines(self, chunks: Iterable[bytes]) -> None:
        """Write all chunks."""
        self.write(b"".join(chunks))

    def pass_counted(self, data: bytes, direction: Direction, target: Callable[[bytes], None]) -> None:
        """Pass on what the countdown permits, and cut the connection when it is used up."""
        countdown = self._countdowns.get(direction)
        if countdown is None:
            target(data)
            return
        target(data[: countdown.take(len(data))])
        if countdown.spent:
            del self._countdowns[direction]
            self.finished = direction == "out"
            self._cut(countdown.reset)

    def cut(self, *, reset: bool) -> None:
        """End the connection without a close frame: with FIN after the written data, or immediately with RST."""
        self.finished = True
        self._cut(reset)

    def hold(self) -> None:
        """Hold back all output, pongs included, until `release`."""
        self.flush()
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Write what was held back, and hold back no more."""
        held, self._held = self._held, None
        if held and not self.is_closing():
            self.write(b"".join(held))

    def stop_reading(self) -> None:
        """Read nothing more from the socket, so that the client's writes fill its buffers."""
        self._stopped = True
        self._transport.pause_reading()

    def continue_reading(self) -> None:
        """Undo `stop_reading`."""
        self._stopped = False
        self._transport.resume_reading()

    def resume_reading(self) -> None:
        """Resume reading for aiohttp's flow control, unless `stop_reading` is in force."""
        if not self._stopped:
            self._transport.resume_reading()

    def _cut(self, reset: bool) -> None:
        self.flush()
        if not reset:
            self._transport.close()
            return
        reset_on_close(self._transport)
        self._transport.abort()


class FaultProtocol(asyncio.Protocol):
    """Wraps the protocol that serves a connection.

    Parameters
    ----------
    inner : asyncio.Protocol
        Aiohttp's protocol for the connection.
    countdowns : dict of str to Countdown
        See `FaultTransport`.
    flusher : FlushScheduler
        See `FaultTransport`.
    counted_prefix : bytes
        The beginning of the request line of connections whose bytes count.
    """

    def __init__(
        self, inner: Any, countdowns: dict[str, Countdown], flusher: FlushScheduler, counted_prefix: bytes
    ) -> None:
        self._inner = inner
        self._countdowns = countdowns
        self._flusher = flusher
        self._prefix = counted_prefix

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wrap the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = FaultTransport(transport, self._countdowns, self._flusher)
        self._inner.connection_made(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Delegate."""
        self._inner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Delegate."""
        keep_open: bool | None = self._inner.eof_received()
        return keep_open

    def pause_writing(self) -> None:
        """Delegate."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Delegate."""
        self._inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Delegate, counting the bytes if a countdown is armed."""
        if self._prefix:
            self._transport.counted, self._prefix = data.startswith(self._prefix), b""
        if self._countdowns and self._transport.counted:
            self._transport.pass_counted(data, "in", self._inner.data_received)
        else:
            self._inner.data_received(data)
