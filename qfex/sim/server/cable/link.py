"""One connection through a cable: two ends, a lane in each direction."""

from __future__ import annotations

import asyncio
from typing import Literal

from ..faults.countdown import Countdown
from ..tap import reset_on_close
from .lane import Lane

Direction = Literal["in", "out"]
End = Literal["client", "server"]
_FROM: dict[End, Direction] = {"client": "in", "server": "out"}


class Terminal(asyncio.Protocol):
    """One end's protocol.

    Parameters
    ----------
    link : Link
        What it is an end of.
    end : str
        Which end.
    """

    def __init__(self, link: Link, end: End) -> None:
        self._link = link
        self._end = end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the link."""
        assert isinstance(transport, asyncio.Transport)
        self._link.joined(self._end, transport)

    def data_received(self, data: bytes) -> None:
        """Carry it to the other end."""
        self._link.carry(data, _FROM[self._end])

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the link."""
        self._link.left(self._end)


class Link:
    """Two ends and what is between them.

    Parameters
    ----------
    countdowns : dict of str to Countdown
        The cable's, by direction.

    Attributes
    ----------
    lanes : dict of str to Lane
        By direction.
    over : Future
        Done when both ends are gone.
    """

    def __init__(self, countdowns: dict[str, Countdown]) -> None:
        self.lanes: dict[Direction, Lane] = {"in": Lane(), "out": Lane()}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._countdowns = countdowns
        self._ends: dict[End, asyncio.Transport] = {}

    def joined(self, end: End, transport: asyncio.Transport) -> None:
        """Let the lane that leads to this end flow."""
        self._ends[end] = transport
        self.lanes["out" if end == "client" else "in"].lead_to(transport)

    def left(self, end: End) -> None:
        """End the other side too, unless the lane there loses what this one says."""
        del self._ends[end]
        self.lanes[_FROM[end]].end()
        if not self._ends and not self.over.done():
            self.over.set_result(None)

    def carry(self, data: bytes, direction: Direction) -> None:
        """Take bytes in a direction, as far as a countdown lets them through."""
        countdown = self._countdowns.get(direction)
        if countdown is None:
            self.lanes[direction].push(data)
            return
        self.lanes[direction].push(data[: countdown.take(len(data))])
        if countdown.spent:
            del self._countdowns[direction]
            self.cut(("client", "server"), reset=countdown.reset)

    def cut(self, ends: tuple[End, ...], *, reset: bool) -> None:
        """End the connection on these sides; a side that is not among them does not notice."""
        for end in ends:
            self.lanes[_FROM[end]].lossy = True
            transport = self._ends.get(end)
            if transport is None:
                continue
            if reset:
                reset_on_close(transport)
                transport.abort()
            else:
                transport.close()
