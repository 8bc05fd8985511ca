"""Recordings played back to a client, or summarised in a report.

``python -m qfex.sim.replay FILE`` prints the report; with ``--serve`` it plays the exchange's side to a client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from qfex.environment import Environment

from .record import RecordedFrame, load, redact
from .report import report
from .server.event_loop import LoopThread

HOST = "127.0.0.1"
PATHS = {"trade": "/trade", "market_data": "/mds"}
# A client chooses these ids in every session. In the frames that it receives, its ids replace the recorded ones.
CHOSEN_BY_CLIENT = ("client_order_id", "client_twap_id")
# Credentials and times differ in every session.
SESSION_SPECIFIC = ("hmac", "jwt", "unix_ts", "start_ts", "end_ts")
_POLICY_VIOLATION = 1008


class RecordedConnection:
    """One recorded connection during its playback: which frames to send, which ones to expect."""

    def __init__(self, frames: Iterable[RecordedFrame]) -> None:
        self._frames = list(frames)
        self._position = 0
        self._replacements: dict[str, str] = {}

    @property
    def finished(self) -> bool:
        """Whether every frame has been sent or received."""
        return self._position == len(self._frames)

    def due(self) -> list[tuple[float, str]]:
        """Return the frames to send now, each with the recorded pause before it."""
        frames = []
        while not self.finished and self._frames[self._position].direction == "out":
            frame = self._frames[self._position]
            before = self._frames[max(self._position - 1, 0)]
            frames.append((frame.time - before.time, self._adapted(frame.text)))
            self._position += 1
        return frames

    def accept(self, text: str) -> str | None:
        """Compare a client's frame with the recorded one; return a description of a mismatch, else None."""
        if self.finished:
            return f"unexpected frame after the end of the recording: {redact(text)}"
        expected, actual = self._frames[self._position].message(), _message(text)
        if _comparable(expected) != _comparable(actual):
            return f"expected {self._frames[self._position].text}, got {redact(text)}"
        self._position += 1
        self._learn(expected, actual)
        return None

    def _learn(self, expected: dict[str, Any], actual: dict[str, Any]) -> None:
        for name in CHOSEN_BY_CLIENT:
            recorded, chosen = (_params(message).get(name) for message in (expected, actual))
            if isinstance(recorded, str) and isinstance(chosen, str) and recorded:
                self._replacements[json.dumps(recorded)] = json.dumps(chosen)

    def _adapted(self, text: str) -> str:
        for recorded, chosen in self._replacements.items():
            text = text.replace(recorded, chosen)
        return text


class Replay:
    """Plays the server side of a recording on loopback sockets, for the length of a ``with`` block.

    The n-th connection to a socket gets the n-th recorded connection of that socket. Server frames are sent as soon as the
    client has sent the frames before them. A client frame matches if it equals the recorded one, apart from credentials,
    times and the ids that clients choose. A frame that does not match ends its connection.

    Parameters
    ----------
    recording : path or sequence of RecordedFrame
        The recording.
    speed : float, optional
        Keep the recorded pauses between frames, divided by this; by default there are none.
    port : int
        The port to listen on; 0 lets the system choose one.

    Attributes
    ----------
    mismatches : list of str
        Descriptions of the client frames that differ from the recording.
    """

    def __init__(
        self, recording: str | Path | Sequence[RecordedFrame], *, speed: float | None = None, port: int = 0
    ) -> None:
        frames = load(recording) if isinstance(recording, (str, Path)) else list(recording)
        self._waiting = {socket: _connections(frames, socket) for socket in PATHS}
        self._unfinished = sum(len(connections) for connections in self._waiting.values())
        self._speed = speed
        self._port = port
        self._loop = LoopThread()
        self._finished = threading.Event()
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.mismatches: list[str] = []

    def __enter__(self) -> Replay:
        self._loop.start()
        self._loop.run(self._start())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.run(self._stop())
        self._loop.stop()

    @property
    def environment(self) -> Environment:
        """The URLs of the sockets; a recording has no REST requests."""
        address = f"{HOST}:{self._port}"
        return Environment(
            f"ws://{address}{PATHS['trade']}", f"ws://{address}{PATHS['market_data']}", f"http://{address}"
        )

    def wait_finished(self, timeout: float | None = None) -> bool:
        """Wait until every recorded connection has been played to its end; return False on a timeout."""
        return self._finished.wait(timeout)

    async def _start(self) -> None:
        app = web.Application()
        for socket, path in PATHS.items():
            for variant in (path, f"{path}/"):
                app.router.add_get(variant, self._handler(socket))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        assert self._runner is not None
        await asyncio.gather(*(socket.close(code=1001) for socket in list(self._sockets)))
        await self._runner.cleanup()

    def _handler(self, socket_name: str) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._waiting[socket_name]:
                raise web.HTTPServiceUnavailable(text="the recording has no further connection here")
            connection = self._waiting[socket_name].pop(0)
            socket = web.WebSocketResponse(compress=False)
            await socket.prepare(request)
            self._sockets.add(socket)
            try:
                await self._play(connection, socket)
            finally:
                self._sockets.discard(socket)
            return socket

        return handle

    async def _play(self, connection: RecordedConnection, socket: web.WebSocketResponse) -> None:
        await self._send_due(connection, socket)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            mismatch = connection.accept(message.data)
            if mismatch is not None:
                self.mismatches.append(mismatch)
                await socket.close(code=_POLICY_VIOLATION, message=b"not what was recorded")
                return
            await self._send_due(connection, socket)

    async def _send_due(self, connection: RecordedConnection, socket: web.WebSocketResponse) -> None:
        for pause, text in connection.due():
            if self._speed is not None:
                await asyncio.sleep(max(pause, 0.0) / self._speed)
            await socket.send_str(text)
        if connection.finished:
            self._unfinished -= 1
            if not self._unfinished:
                self._finished.set()


def _connections(frames: Iterable[RecordedFrame], socket: str) -> list[RecordedConnection]:
    """Return the recorded connections of a socket, in the order in which they began."""
    connections: dict[int, list[RecordedFrame]] = {}
    for frame in frames:
        if frame.socket == socket:
            connections.setdefault(frame.connection, []).append(frame)
    return [RecordedConnection(connection) for connection in connections.values()]


def _message(text: str) -> dict[str, Any]:
    return RecordedFrame(0.0, "trade", 0, "in", text).message()


def _params(message: dict[str, Any]) -> dict[str, Any]:
    params = message.get("params", message)
    return params if isinstance(params, dict) else {}


def _comparable(message: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a frame that must equal the recorded one; numbers are compared by value."""
    ignored = {*CHOSEN_BY_CLIENT, *SESSION_SPECIFIC}
    params = {name: value for name, value in _params(message).items() if name not in ignored}
    return {**message, "params": params}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m qfex.sim.replay", description="Play back or summarise a recording."
    )
    parser.add_argument("file", help="a recording")
    parser.add_argument("--serve", action="store_true", help="play the exchange's side to a client")
    parser.add_argument("--port", type=int, default=0, help="port to listen on")
    parser.add_argument("--speed", type=float, help="keep the recorded pauses, this many times faster")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    return _serve(options) if options.serve else _print_report(options)


def _print_report(options: argparse.Namespace) -> int:
    summary = report(load(options.file))
    print(json.dumps(summary.as_dict()) if options.json else "\n".join(summary.lines()))
    return 0


def _serve(options: argparse.Namespace) -> int:
    with Replay(options.file, speed=options.speed, port=options.port) as replay:
        environment = replay.environment
        urls = {"trade_url": environment.trade_url, "market_data_url": environment.market_data_url}
        print(json.dumps(urls) if options.json else "\n".join(urls.values()), flush=True)
        try:
            replay.wait_finished()
        except KeyboardInterrupt:
            return 130
    for mismatch in replay.mismatches:
        print(mismatch, file=sys.stderr)
    return 1 if replay.mismatches else 0


if __name__ == "__main__":
    raise SystemExit(main())
