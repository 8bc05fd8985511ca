"""What can go wrong with market data and REST, on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..gateway.wire import encode
from .problems import Problem

if TYPE_CHECKING:
    from ..server.line import Line

Respond = Callable[[web.Request], web.Response]

BLOCKED = "error code: 1010"


@dataclass
class RestFault:
    """A fault of REST requests.

    Attributes
    ----------
    respond : callable
        Makes the answer.
    path : str, optional
        The only path it strikes; None: any.
    times : int, optional
        How often it will still strike; None: until cleared.
    processed : bool
        Whether the request is carried out first.
    """

    respond: Respond
    path: str | None
    times: int | None
    processed: bool = False


@dataclass
class FeedPlan:
    """What is to go wrong. Belongs to the event loop's thread.

    Attributes
    ----------
    rest : list of RestFault
        The first that fits a request strikes.
    lost : int
        Market data messages still to lose.
    lines : set of Line
        The market data connections.
    """

    rest: list[RestFault] = field(default_factory=list)
    lost: int = 0
    lines: set[Line] = field(default_factory=set)

    def strike(self, path: str) -> RestFault | None:
        """Return the fault of a request, if there is one, and count it."""
        fault = next((one for one in self.rest if one.path in (None, path)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if not fault.times:
                self.rest.remove(fault)
        return fault

    def send(self, line: Line, frame: bytes) -> None:
        """Send a market data frame, unless it is a data message that is to be lost."""
        if self.lost and frame.startswith(b'{"sequence"'):
            self.lost -= 1
        else:
            line.send(frame)


class FeedFaults:
    """Makes things go wrong on the market data socket and on REST.

    Every method may be called from any thread and has taken effect when it returns. ``path`` narrows a fault to
    requests of one path, ``times`` says how often it strikes (None: until `clear`).
    """

    def __init__(self, call: Callable[[Callable[[], Any]], Any], plan: FeedPlan) -> None:
        self._call = call
        self._plan = plan

    def drop_market_data(self, *, reset: bool = False) -> int:
        """Cut all market data connections without a close frame; return how many."""

        def cut() -> int:
            lines = list(self._plan.lines)
            for line in lines:
                line.cut(reset=reset)
            return len(lines)

        count: int = self._call(cut)
        return count

    def lose_market_data(self, messages: int = 1) -> None:
        """Lose the next data messages, whatever connection they are for: a gap in its sequence."""
        self._call(lambda: setattr(self._plan, "lost", messages))

    def fail_rest(
        self,
        status: int,
        detail: str = "provoked",
        *,
        path: str | None = None,
        times: int | None = 1,
        retry_after: int | None = None,
    ) -> None:
        """Answer requests with a problem of this status; ``retry_after`` adds that header, in seconds."""
        body = encode(Problem(status, detail).body())
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

        def respond(request: web.Request) -> web.Response:
            return web.Response(
                body=body, status=status, content_type="application/problem+json", headers=headers
            )

        self._add(RestFault(respond, path, times))

    def block_rest(self, *, path: str | None = None, times: int | None = 1) -> None:
        """Answer requests as the proxy in front of the exchange does to clients it does not like."""
        self._add(RestFault(lambda request: web.Response(text=BLOCKED, status=403), path, times))

    def cut_rest(self, *, path: str | None = None, times: int | None = 1, processed: bool = False) -> None:
        """Reset the connection instead of answering; with ``processed`` the request is carried out first."""
        self._add(RestFault(_cut, path, times, processed))

    def garble_rest(self, *, path: str | None = None, times: int | None = 1) -> None:
        """Carry requests out, but answer with something that is no JSON."""
        answer = "<html>"
        self._add(RestFault(lambda request: web.Response(text=answer), path, times, processed=True))

    def clear(self) -> None:
        """Let everything go well again."""

        def clear() -> None:
            self._plan.rest.clear()
            self._plan.lost = 0

        self._call(clear)

    def _add(self, fault: RestFault) -> None:
        self._call(lambda: self._plan.rest.append(fault))


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
