"""`Simulator.cable`: the network, for tests, from any thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from qfex.environment import Environment

from ..faults.countdown import Countdown
from ..listener import HOST
from .link import Direction, End, Link, Terminal

if TYPE_CHECKING:
    from ..loop import LoopThread

Side = Literal["client", "server", "both"]
_ENDS: tuple[End, ...] = ("client", "server")
_DIRECTIONS: tuple[Direction, ...] = ("in", "out")


class Cable:
    """Connects clients with the trade gateway and lets a test spoil the connection on the way.

    A fault of the server is known to both sides. In a cable a connection may end on one side alone, or go dead
    without ending, as when a router forgets it: each side believes what it last heard.

    Directions are the server's, as in `Faults`: "in" is from the client. What is set holds for the connections
    of the moment and for later ones.
    """

    def __init__(self, loop: LoopThread, environment: Environment) -> None:
        self._loop = loop
        self._beyond = environment
        self._links: dict[Link, None] = {}
        self._countdowns: dict[str, Countdown] = {}
        self._settings: dict[str, dict[Direction, Any]] = {"stalled": {}, "lossy": {}, "rate": {}}
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def environment(self) -> Environment:
        """The simulator's, but for a trade URL that goes through the cable."""
        path = self._beyond.trade_url.rsplit("/", 1)[1]
        trade_url = f"ws://{HOST}:{self._port}/{path}"
        return Environment(trade_url, self._beyond.market_data_url, self._beyond.rest_url)

    @property
    def connections(self) -> int:
        """How many connections run through it."""
        return self._loop.call(lambda: len(self._links))

    def cut(self, side: Side = "both", *, reset: bool = False) -> None:
        """End the connections of the moment on one side or both, with FIN or RST, without a close frame."""
        ends: tuple[End, ...] = _ENDS if side == "both" else (side,)

        def act() -> None:
            for link in list(self._links):
                link.cut(ends, reset=reset)

        self._loop.call(act)

    def cut_after_bytes(self, count: int, direction: Direction = "in", *, reset: bool = False) -> None:
        """Cut the connection that carries the n-th byte from now on, on both sides, exactly after it."""
        if count < 1:
            raise ValueError(f"a count must be at least 1, not {count}")
        countdown = Countdown(count, reset)
        self._loop.call(lambda: self._countdowns.__setitem__(direction, countdown))

    def stall(self, direction: Direction | None = None) -> None:
        """Let bytes wait, in one direction or both, until `flow`."""
        self._set("stalled", True, direction)

    def lose(self, direction: Direction | None = None) -> None:
        """Let bytes vanish and ends go unnoticed, in one direction or both: a dead line that nobody closed."""
        self._set("lossy", True, direction)

    def throttle(self, bytes_per_second: float | None, direction: Direction | None = None) -> None:
        """Let bytes trickle, in one direction or both; None is as fast as it goes."""
        self._set("rate", bytes_per_second, direction)

    def flow(self) -> None:
        """End what `stall`, `lose`, `throttle` and `cut_after_bytes` began; what vanished stays lost."""
        self._loop.call(self._countdowns.clear)
        for name, value in (("lossy", False), ("rate", None), ("stalled", False)):
            self._set(name, value, None)

    async def open(self) -> None:
        """Listen on a port of its own; runs on the loop."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, HOST, 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End everything; runs on the loop."""
        assert self._server is not None
        self._server.close()
        links = list(self._links)
        for link in links:
            link.cut(_ENDS, reset=True)
        await asyncio.gather(*(link.over for link in links))

    def _accept(self) -> asyncio.Protocol:
        """Take a client and connect on to the simulator; what the client says meanwhile waits in its lane."""
        link = Link(self._countdowns)
        self._links[link] = None
        self._prepare(link)
        reaching = asyncio.ensure_future(self._reach_server(link))
        link.over.add_done_callback(lambda _: (reaching.cancel(), self._links.pop(link)))
        return Terminal(link, "client")

    async def _reach_server(self, link: Link) -> None:
        host, port = self._beyond.trade_url.removeprefix("ws://").split("/", 1)[0].split(":")
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: Terminal(link, "server"), host, int(port))
        except OSError:
            link.cut(_ENDS, reset=True)

    def _prepare(self, link: Link) -> None:
        for name, values in self._settings.items():
            for direction, value in values.items():
                setattr(link.lanes[direction], name, value)

    def _set(self, name: str, value: Any, direction: Direction | None) -> None:
        chosen = _DIRECTIONS if direction is None else (direction,)

        def change() -> None:
            self._settings[name].update(dict.fromkeys(chosen, value))
            for link in self._links:
                self._prepare(link)
                for lane in link.lanes.values():
                    lane.flow()

        self._loop.call(change)
