"""An exchange that says and does what a test's script tells it: a raw WebSocket server on loopback."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from qfex import Environment, HmacCredentials, TradeClient
from tests.support.websocket import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    close_frame,
    read_client_frame,
    server_frame,
    upgrade_reply,
)

CREDENTIALS = HmacCredentials("qfex_pub_test", "qfex_secret_test")

_PATIENCE = 10.0  # seconds that a script waits for the client

Message = dict[str, Any]

_EMPTY: dict[str, Message] = {
    "get_user_orders": {"all_orders_response": {"orders": [], "twaps": []}},
    "get_user_trades": {"user_trades_response": []},
    "get_user_leverage": {"user_leverage_response": []},
}
Script = Callable[["Peer"], None]
Scripted = Callable[..., tuple["ScriptedExchange", TradeClient]]


class Disconnected(Exception):
    """The client ended the connection."""


class Peer:
    """A client's connection as the exchange sees it. Used by its script's thread; `write` by any.

    Attributes
    ----------
    request : str
        Request line and headers of the upgrade.
    commands : list of dict
        Messages received so far.
    texts : list of str
        The same as they came.
    controls : list of int
        Opcodes of the control frames received so far.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.commands: list[Message] = []
        self.texts: list[str] = []
        self.controls: list[int] = []
        self.answers_pings = self.answers_closes = True
        self.released = threading.Event()
        self._buffer = bytearray()
        self.request = ""

    def upgrade(self, *headers: str) -> None:
        """Answer the upgrade."""
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head = self._take(self._buffer.index(b"\r\n\r\n") + 4)
        self.request = head.decode().rstrip()
        self.write(upgrade_reply(self.request, *headers))

    def receive(self, kind: str | None = None) -> Message:
        """The next message, or the next of a type; pings and closes are dealt with on the way."""
        while True:
            message = self.receive_any()
            if message is not None and kind in (None, message["type"]):
                return message

    def receive_any(self) -> Message | None:
        """The next message, or None after a control frame, which is dealt with."""
        opcode, payload = read_client_frame(self._take)
        if opcode == TEXT:
            self.texts.append(payload.decode())
            self.commands.append(json.loads(payload))
            return self.commands[-1]
        self.controls.append(opcode)
        if opcode == CLOSE and self.answers_closes:
            self.write(server_frame(CLOSE, payload))
            self.drop()
        elif opcode == PING and self.answers_pings:
            self.write(server_frame(PONG, payload))
        return None

    @property
    def pings(self) -> int:
        """Pings received so far."""
        return self.controls.count(PING)

    @property
    def pongs(self) -> int:
        """Pongs received so far."""
        return self.controls.count(PONG)

    @property
    def closes(self) -> int:
        """Close frames received so far."""
        return self.controls.count(CLOSE)

    def read_until_closed(self) -> None:
        """Read what the client says until it is gone."""
        try:
            while True:
                self.receive()
        except Disconnected:
            pass

    def stop_reading(self) -> None:
        """Read nothing any more, until the test is over."""
        self.released.wait(_PATIENCE)

    def discard_input(self) -> None:
        """Take what comes and make nothing of it, until the client is gone."""
        try:
            while True:
                self._fill()
        except Disconnected:
            pass

    def send(self, *messages: Message | str | bytes) -> None:
        """Send messages in one piece."""
        self.write(b"".join(server_frame(TEXT, _text(message)) for message in messages))

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame."""
        self.write(close_frame(code, reason))

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Disconnected from error

    def drop(self, *, reset: bool = False) -> None:
        """End the connection without a word, with FIN or with RST."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            return
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            raise Disconnected from error

    def accept(self) -> None:
        """Let the client in: upgrade, authentication and the first subscription."""
        self.upgrade()
        self.receive("auth")
        self.send({"authenticated": True})
        self.confirm_subscribe()

    def confirm_subscribe(self) -> Message:
        """Confirm the next subscribe."""
        request = self.receive("subscribe")
        self.send(*({"subscribed": channel} for channel in request["params"]["channels"]))
        return request

    def answer(self, request: Message) -> None:
        """Answer a message as an exchange would that has neither orders nor trades."""
        kind, params = request["type"], request["params"]
        if kind == "subscribe":
            self.send(*({"subscribed": channel} for channel in params["channels"]))
        elif kind == "add_order":
            self.send(acknowledgement(request))
        elif kind == "get_order":
            self.send(order_response("", "NO_SUCH_ORDER", order_id=params["order_id"]))
        elif kind == "set_user_leverage":
            self.send({"ack": {"incoming_message": request}})
        elif kind in _EMPTY:
            self.send(_EMPTY[kind])

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _fill(self) -> None:
        try:
            data = self.sock.recv(65536)
        except OSError as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        self._buffer += data


class ScriptedExchange:
    """Serves each connection, in the order in which they come, with the next script; the last serves all others.

    A script that ends leaves its connection open. What it raises fails the test, but for `Disconnected`.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self.peers: list[Peer] = []
        self.credentials = CREDENTIALS

    @property
    def environment(self) -> Environment:
        """Where it is. Its REST interface does not exist."""
        port = self.port
        return Environment(f"ws://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/", "http://127.0.0.1:9")

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> ScriptedExchange:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            peer.released.set()
            _end(peer.sock)
        for thread in self._threads:
            thread.join(_PATIENCE)
        if self._errors and error is None:
            raise self._errors[0]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(_PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(sock)
            self.peers.append(peer)
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            self._start(lambda script=script, peer=peer: self._run(script, peer))  # type: ignore[misc]

    def _run(self, script: Script, peer: Peer) -> None:
        try:
            if self._tls is not None:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
            script(peer)
        except (Disconnected, ssl.SSLError):  # a client that does not trust the certificate leaves, too
            pass
        except BaseException as error:
            self._errors.append(error)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="scripted-exchange", daemon=True)
        self._threads.append(thread)
        thread.start()


def answers_everything(peer: Peer) -> None:
    """Let the client in and answer all that it says."""
    peer.accept()
    while True:
        peer.answer(peer.receive())


def answers_nothing(peer: Peer) -> None:
    """Let the client in and answer nothing any more."""
    peer.accept()
    peer.read_until_closed()


def drops_after_an_order(peer: Peer) -> None:
    """Oblige, then acknowledge an order and vanish."""
    peer.accept()
    while (request := peer.receive())["type"] != "add_order":
        peer.answer(request)
    peer.answer(request)
    peer.drop()


def order_response(client_order_id: str, status: str = "ACK", **members: Any) -> Message:
    """An ``order_response``."""
    plain = {
        "order_id": f"id-of-{client_order_id}",
        "client_order_id": client_order_id,
        "symbol": "AAPL-USD",
        "status": status,
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "quantity": 1.0,
        "quantity_remaining": 1.0,
        "price": 200.0,
        "update_time": 1760545414.5,
    }
    return {"order_response": {**plain, **members}}


def acknowledgement(command: Message) -> Message:
    """The ``order_response`` that acknowledges an ``add_order``."""
    sent = command["params"]
    terms = {name: sent[name] for name in ("symbol", "side", "quantity", "price")}
    return order_response(
        sent["client_order_id"],
        type=sent["order_type"],
        time_in_force=sent["order_time_in_force"],
        quantity_remaining=sent["quantity"],
        **terms,
    )


def _text(message: Message | str | bytes) -> bytes:
    if isinstance(message, dict):
        return json.dumps(message).encode()
    return message.encode() if isinstance(message, str) else message


def _end(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
