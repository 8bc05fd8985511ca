"""A scripted exchange: a raw WebSocket server on loopback, with a script of the test for each connection."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from qfex import Environment, HmacCredentials, TradeClient
from tests.support.loopback import PATIENCE, LoopbackServer, shut_down
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

Message = dict[str, Any]

_EMPTY: dict[str, Message] = {
    "get_user_orders": {"all_orders_response": {"orders": [], "twaps": []}},
    "get_user_trades": {"user_trades_response": []},
    "get_user_leverage": {"user_leverage_response": []},
}
ExchangeScript = Callable[["Peer"], None]
Scripted = Callable[..., tuple["ScriptedExchange", TradeClient]]


class Disconnected(Exception):
    """The client ended the connection."""


class Peer:
    """The exchange's end of a connection. Its script uses it from one thread; any thread may write.

    Attributes
    ----------
    request : str
        Request line and headers of the upgrade.
    commands : list of dict
        Messages received so far.
    texts : list of str
        The same messages as text.
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
        """The next message, or the next of a type; pings and closes before it are answered."""
        while True:
            message = self.receive_any()
            if message is not None and kind in (None, message["type"]):
                return message

    def receive_any(self) -> Message | None:
        """The next message, or None after a control frame, which is answered."""
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
        """Read and record messages until the client disconnects."""
        try:
            while True:
                self.receive()
        except Disconnected:
            pass

    def stop_reading(self) -> None:
        """Read nothing until the test is over."""
        self.released.wait(PATIENCE)

    def discard_input(self) -> None:
        """Read bytes and ignore them until the client disconnects."""
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
        """End the connection without a close frame, with FIN or with RST."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            return
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            raise Disconnected from error

    def accept(self) -> None:
        """Accept the client: upgrade, login and the first subscription."""
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
        """Answer a message like an exchange without orders and trades."""
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


class ScriptedExchange(LoopbackServer):
    """A server that runs the next script for each new connection, and the last one for all that follow.

    A connection stays open when its script ends. An exception of a script fails the test, except `Disconnected`.
    """

    def __init__(self, *scripts: ExchangeScript, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self._scripts = list(scripts)
        self._tls = tls
        self._errors: list[BaseException] = []
        self.peers: list[Peer] = []
        self.credentials = CREDENTIALS

    @property
    def environment(self) -> Environment:
        """Its URLs. Nothing listens at the REST URL."""
        url = f"ws://127.0.0.1:{self.port}/"
        return Environment(url, url, "http://127.0.0.1:9")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for peer in self.peers:
            peer.released.set()
            shut_down(peer.sock)
        super().__exit__(kind, error, trace)
        for peer in self.peers:
            peer.sock.close()
        if self._errors and error is None:
            raise self._errors[0]

    def handler(self, sock: socket.socket) -> Callable[[], None]:
        """Run the next script."""
        peer = Peer(sock)
        self.peers.append(peer)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        return partial(self._run, script, peer)

    def _run(self, script: ExchangeScript, peer: Peer) -> None:
        try:
            if self._tls is not None:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
            script(peer)
        except (Disconnected, ssl.SSLError):  # a client that does not trust the certificate disconnects, too
            pass
        except BaseException as error:
            self._errors.append(error)


def answers_everything(peer: Peer) -> None:
    """Accept the client and answer every message."""
    peer.accept()
    while True:
        peer.answer(peer.receive())


def answers_nothing(peer: Peer) -> None:
    """Accept the client, then answer nothing."""
    peer.accept()
    peer.read_until_closed()


def drops_after_an_order(peer: Peer) -> None:
    """Accept the client, answer until the first order is acknowledged, and drop the connection."""
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
