"""`Simulator.cable`: a TCP proxy that injects network faults between a client and the simulator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from qfex.environment import Environment

from .faults.plan import Countdown, Direction
from .faults.transport import reset_on_close
from .runtime import HOST

if TYPE_CHECKING:
    from .event_loop import LoopThread

Peer = Literal["client", "server"]
_PEERS: tuple[Peer, ...] = ("client", "server")
_DIRECTIONS: tuple[Direction, ...] = ("in", "out")
_SENDS: dict[Peer, Direction] = {"client": "in", "server": "out"}
_PIECE = 16  # How many bytes a throttled pipe passes on at a time.


class NetworkProxy:
    """Connects clients with the trade gateway, and injects network faults on the way.

    A fault of the server is visible to both sides. Behind a proxy, a connection may end on one side only, or die without
    ending, as when a router forgets it: neither side is notified.

    Directions are those of the server, as in `Faults`: "in" is from the client. Settings apply to the current
    connections and to later ones. Every method may be called from any thread.
    """

    def __init__(self, loop: LoopThread, environment: Environment) -> None:
        self._loop = loop
        self._server_environment = environment
        self._connections: dict[ProxiedConnection, None] = {}
        self._countdowns: dict[str, Countdown] = {}
        self._settings: dict[str, dict[Direction, Any]] = {"stalled": {}, "lossy": {}, "rate": {}}
        self._listening: asyncio.Server | None = None
        self._port = 0

    @property
    def environment(self) -> Environment:
        """The simulator's URLs, with a trade URL that leads through the proxy."""
        target = self._server_environment
        path = target.trade_url.rsplit("/", 1)[1]
        return Environment(f"ws://{HOST}:{self._port}/{path}", target.market_data_url, target.rest_url)

    @property
    def connections(self) -> int:
        """The number of proxied connections."""
        return self._loop.call(lambda: len(self._connections))

    def cut(self, side: Peer | Literal["both"] = "both", *, reset: bool = False) -> None:
        """End the current connections on one side or both, with FIN or RST and without a close frame."""
        peers: tuple[Peer, ...] = _PEERS if side == "both" else (side,)

        def cut() -> None:
            for connection in list(self._connections):
                connection.cut(peers, reset=reset)

        self._loop.call(cut)

    def cut_after_bytes(self, count: int, direction: Direction = "in", *, reset: bool = False) -> None:
        """Cut the connection that carries the n-th byte from now on, on both sides, exactly after that byte."""
        if count < 1:
            raise ValueError(f"a count must be at least 1, not {count}")
        countdown = Countdown(count, reset)
        self._loop.call(lambda: self._countdowns.__setitem__(direction, countdown))

    def stall(self, direction: Direction | None = None) -> None:
        """Hold back bytes until `flow`, in one direction or both."""
        self._set("stalled", True, direction)

    def lose(self, direction: Direction | None = None) -> None:
        """Drop bytes and ignore connection ends, in one direction or both: a dead connection that nobody closed."""
        self._set("lossy", True, direction)

    def throttle(self, bytes_per_second: float | None, direction: Direction | None = None) -> None:
        """Limit the rate, in one direction or both; None removes the limit."""
        self._set("rate", bytes_per_second, direction)

    def flow(self) -> None:
        """Undo `stall`, `lose`, `throttle` and `cut_after_bytes`; dropped bytes stay lost."""
        self._loop.call(self._countdowns.clear)
        for name, value in (("lossy", False), ("rate", None), ("stalled", False)):
            self._set(name, value, None)

    async def open(self) -> None:
        """Listen on a port of its own; runs on the loop."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._accept, HOST, 0)
        self._port = self._listening.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset every connection and stop listening; runs on the loop."""
        assert self._listening is not None
        self._listening.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cut(_PEERS, reset=True)
        await asyncio.gather(*(connection.closed for connection in connections))

    def _accept(self) -> asyncio.Protocol:
        """Accept a client and connect to the simulator; the client's first bytes wait in their pipe meanwhile."""
        connection = ProxiedConnection(self._countdowns)
        self._connections[connection] = None
        self._apply_settings(connection)
        connecting = asyncio.ensure_future(self._connect_to_server(connection))
        connection.closed.add_done_callback(
            lambda _: (connecting.cancel(), self._connections.pop(connection))
        )
        return ProxyProtocol(connection, "client")

    async def _connect_to_server(self, connection: ProxiedConnection) -> None:
        url = self._server_environment.trade_url
        host, port = url.removeprefix("ws://").split("/", 1)[0].split(":")
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: ProxyProtocol(connection, "server"), host, int(port))
        except OSError:
            connection.cut(_PEERS, reset=True)

    def _apply_settings(self, connection: ProxiedConnection) -> None:
        for name, values in self._settings.items():
            for direction, value in values.items():
                setattr(connection.pipes[direction], name, value)

    def _set(self, name: str, value: Any, direction: Direction | None) -> None:
        chosen = _DIRECTIONS if direction is None else (direction,)

        def change() -> None:
            self._settings[name].update(dict.fromkeys(chosen, value))
            for connection in self._connections:
                self._apply_settings(connection)
                for pipe in connection.pipes.values():
                    pipe.flow()

        self._loop.call(change)


class ProxyProtocol(asyncio.Protocol):
    """The protocol of one side of a proxied connection.

    Parameters
    ----------
    connection : ProxiedConnection
        The proxied connection.
    peer : {"client", "server"}
        The peer on this side.
    """

    def __init__(self, connection: ProxiedConnection, peer: Peer) -> None:
        self._connection = connection
        self._peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect this side."""
        assert isinstance(transport, asyncio.Transport)
        self._connection.connected(self._peer, transport)

    def data_received(self, data: bytes) -> None:
        """Forward bytes to the other side."""
        self._connection.forward(data, _SENDS[self._peer])

    def connection_lost(self, exc: Exception | None) -> None:
        """Disconnect this side."""
        self._connection.disconnected(self._peer)


class ProxiedConnection:
    """A pair of connections, to the client and to the server, with a pipe in each direction.

    Parameters
    ----------
    countdowns : dict of str to Countdown
        The proxy's countdowns of bytes by direction.

    Attributes
    ----------
    pipes : dict of str to Pipe
        By direction.
    closed : Future
        Done when both sides have ended.
    """

    def __init__(self, countdowns: dict[str, Countdown]) -> None:
        self.pipes: dict[Direction, Pipe] = {"in": Pipe(), "out": Pipe()}
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._countdowns = countdowns
        self._transports: dict[Peer, asyncio.Transport] = {}

    def connected(self, peer: Peer, transport: asyncio.Transport) -> None:
        """Open the pipe that leads to a peer."""
        self._transports[peer] = transport
        self.pipes["out" if peer == "client" else "in"].connect(transport)

    def disconnected(self, peer: Peer) -> None:
        """End the other side too, unless the pipe to it is lossy."""
        del self._transports[peer]
        self.pipes[_SENDS[peer]].end()
        if not self._transports and not self.closed.done():
            self.closed.set_result(None)

    def forward(self, data: bytes, direction: Direction) -> None:
        """Forward bytes as far as the countdown permits, and cut the connection when it is used up."""
        countdown = self._countdowns.get(direction)
        if countdown is None:
            self.pipes[direction].push(data)
            return
        self.pipes[direction].push(data[: countdown.take(len(data))])
        if countdown.spent:
            del self._countdowns[direction]
            self.cut(_PEERS, reset=countdown.reset)

    def cut(self, peers: tuple[Peer, ...], *, reset: bool) -> None:
        """End the connection on the sides of these peers; the other side is not notified."""
        for peer in peers:
            self.pipes[_SENDS[peer]].lossy = True
            transport = self._transports.get(peer)
            if transport is None:
                continue
            if reset:
                reset_on_close(transport)
                transport.abort()
            else:
                transport.close()


class Pipe:
    """One direction of a proxied connection.

    Attributes
    ----------
    stalled : bool
        Bytes are held back.
    lossy : bool
        Bytes are dropped, and the end of the connection is ignored.
    rate : float or None
        Bytes per second; None means without limit.
    """

    def __init__(self) -> None:
        self._target: asyncio.Transport | None = None
        self._waiting = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._ending = False
        self.stalled = False
        self.lossy = False
        self.rate: float | None = None

    def connect(self, target: asyncio.Transport) -> None:
        """Write to a transport what arrives, and what has arrived before."""
        self._target = target
        self.flow()

    def push(self, data: bytes) -> None:
        """Accept bytes."""
        if not self.lossy:
            self._waiting += data
            self.flow()

    def end(self) -> None:
        """Close the target once everything has been written to it."""
        if not self.lossy:
            self._ending = True
            self.flow()

    def flow(self) -> None:
        """Write what may be written now."""
        target = self._target
        if target is None or target.is_closing() or self.stalled or self._timer is not None:
            return
        if self._waiting:
            self._write(target)
        if self._ending and not self._waiting:
            target.close()

    def _write(self, target: asyncio.Transport) -> None:
        size = len(self._waiting) if self.rate is None else _PIECE
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        target.write(piece)
        if self.rate is not None:
            pause = len(piece) / self.rate
            self._timer = asyncio.get_running_loop().call_later(pause, self._write_next)

    def _write_next(self) -> None:
        self._timer = None
        self.flow()
