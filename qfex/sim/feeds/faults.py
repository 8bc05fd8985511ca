"""Fault injection on the market data socket and on REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..gateway.wire import encode
from .rest_parameters import Problem

if TYPE_CHECKING:
    from ..websocket import WebSocketWriter

Respond = Callable[[web.Request], web.Response]

BLOCKED = "error code: 1010"


@dataclass
class RestFault:
    """A fault of REST requests.

    Attributes
    ----------
    respond : callable
        Creates the response.
    path : str, optional
        The only path that it strikes; None means any.
    times : int, optional
        How often it will still strike; None means until it is cleared.
    processed : bool
        Whether the request is executed first.
    """

    respond: Respond
    path: str | None
    times: int | None
    processed: bool = False


@dataclass
class FeedPlan:
    """The armed faults. Belongs to the event loop's thread.

    Attributes
    ----------
    rest : list of RestFault
        The faults of requests; the first that matches a request strikes.
    lost : int
        How many market data messages are still to be dropped.
    sockets : set of WebSocketWriter
        The market data connections.
    """

    rest: list[RestFault] = field(default_factory=list)
    lost: int = 0
    sockets: set[WebSocketWriter] = field(default_factory=set)

    def strike(self, path: str) -> RestFault | None:
        """Return the fault that strikes a request, if there is one, and count it."""
        fault = next((one for one in self.rest if one.path in (None, path)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if not fault.times:
                self.rest.remove(fault)
        return fault

    def send(self, socket: WebSocketWriter, frame: bytes) -> None:
        """Send a market data frame, unless it is a data message that is to be dropped."""
        if self.lost and frame.startswith(b'{"sequence"'):
            self.lost -= 1
        else:
            socket.send(frame)


class FeedFaults:
    """Injects faults on the market data socket and on REST.

    Every method may be called from any thread and has taken effect when it returns. ``path`` limits a fault to requests
    with that path; ``times`` is how often it strikes (None means until `clear`).
    """

    def __init__(self, call: Callable[[Callable[[], Any]], Any], plan: FeedPlan) -> None:
        self._call = call
        self._plan = plan

    def drop_market_data(self, *, reset: bool = False) -> int:
        """Cut all market data connections without a close frame; return their number."""

        def cut() -> int:
            sockets = list(self._plan.sockets)
            for socket in sockets:
                socket.cut(reset=reset)
            return len(sockets)

        count: int = self._call(cut)
        return count

    def lose_market_data(self, messages: int = 1) -> None:
        """Drop the next data messages on any connection, which leaves a gap in its sequence."""
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
        """Answer requests with a problem that has this status; ``retry_after`` (seconds) adds that header."""
        body = encode(Problem(status, detail).body())
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

        def respond(request: web.Request) -> web.Response:
            return web.Response(
                body=body, status=status, content_type="application/problem+json", headers=headers
            )

        self._add(RestFault(respond, path, times))

    def block_rest(self, *, path: str | None = None, times: int | None = 1) -> None:
        """Answer requests like the proxy in front of the exchange when it blocks a client."""
        self._add(RestFault(lambda request: web.Response(text=BLOCKED, status=403), path, times))

    def cut_rest(self, *, path: str | None = None, times: int | None = 1, processed: bool = False) -> None:
        """Abort the connection instead of answering; with ``processed``, the request is executed first."""
        self._add(RestFault(_cut, path, times, processed))

    def garble_rest(self, *, path: str | None = None, times: int | None = 1) -> None:
        """Execute requests, but answer with text that is not JSON."""
        answer = "<html>"
        self._add(RestFault(lambda request: web.Response(text=answer), path, times, processed=True))

    def clear(self) -> None:
        """Disarm all faults."""

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
