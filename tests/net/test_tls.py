"""TLS in memory: what a peer sealed is read whole, however it arrives, and nothing that was spoilt is read."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from qfex.net.handshake import HandshakeSocket, TlsContext
from qfex.net.sockets import adopt
from qfex.net.tls import Tls

AUTHORITY = trustme.CA()


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


class Peer:
    """The other end, in memory too."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.connection = SERVER.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def says(self, *messages: bytes) -> bytes:
        """What is on the line for some messages."""
        for message in messages:
            self.connection.write(message)
        return self.outgoing.read()

    def hears(self, data: bytes) -> bytes:
        """What a piece of the line says."""
        self.incoming.write(data)
        return self.connection.read(1_000_000)


SERVER = server_context()


def agreed() -> tuple[Tls, Peer]:
    """Both ends of a connection whose handshake is done."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    here, there = socket.socketpair()
    with here, there:
        tls, peer = Tls(context, "127.0.0.1"), Peer()

        def shake() -> None:
            done = False
            while not done:
                peer.incoming.write(there.recv(65536))
                try:
                    peer.connection.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    pass
                there.sendall(peer.outgoing.read())

        shaker = threading.Thread(target=shake)
        shaker.start()
        tls.shake_hands(here)
        shaker.join()
        here.setblocking(False)
        try:  # the tickets for a next session, unless they came with the handshake
            assert tls.unseal(here.recv(65536)) == b""
        except BlockingIOError:
            pass
    return tls, peer


@given(
    st.lists(st.binary(min_size=1, max_size=40_000), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_encrypted_messages_are_read_completely_however_they_arrive(
    messages: list[bytes], random: object
) -> None:
    tls, peer = agreed()
    line, read, position = peer.says(*messages), b"", 0
    while position < len(line):
        size = random.randint(1, 5000)  # type: ignore[attr-defined]
        read += tls.unseal(line[position : position + size])
        position += size
    assert read == b"".join(messages)


def test_the_server_can_read_what_the_client_encrypts() -> None:
    tls, peer = agreed()
    assert peer.hears(tls.seal(b"one")) + peer.hears(tls.seal(b"two")) == b"onetwo"


@pytest.mark.parametrize("spoilt", [0, 5, 30, -1])
def test_tampered_data_ends_the_connection(spoilt: int) -> None:
    tls, peer = agreed()
    line = bytearray(peer.says(b"a message of some length"))
    line[spoilt] ^= 0x40
    with pytest.raises(OSError):
        tls.unseal(bytes(line))


def test_a_tls_close_is_read_after_the_data_before_it() -> None:
    tls, peer = agreed()
    line = peer.says(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        peer.connection.unwrap()
    assert tls.unseal(line + peer.outgoing.read()) == b"last words"
    with pytest.raises(ConnectionResetError):
        tls.unseal(b"")


def test_threads_may_encrypt_and_decrypt_at_once() -> None:
    tls, peer = agreed()
    line = [peer.says(b"%06d" % number) for number in range(3000)]
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(map(tls.unseal, line)))
    reader.start()
    sealed = [tls.seal(b"%06d" % number) for number in range(3000)]
    reader.join()
    assert read == [b"%06d" % number for number in range(3000)]
    assert b"".join(map(peer.hears, sealed)) == b"".join(read)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def serve(listener: socket.socket, answer: bytes) -> threading.Thread:
    """A peer that answers the first bytes and ends without a goodbye."""

    def run() -> None:
        accepted, _ = listener.accept()
        with accepted, server_context().wrap_socket(accepted, server_side=True) as secured:
            secured.recv(100)
            secured.sendall(answer)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_data_right_after_the_handshake_is_not_lost(listener: socket.socket, authority: str) -> None:
    server = serve(listener, b"head\nbody")
    with socket.create_connection(listener.getsockname(), timeout=5) as raw:
        secured = TlsContext(authority).wrap_socket(raw, server_hostname="127.0.0.1")
        assert isinstance(secured, HandshakeSocket) and secured.send(b"hello") == 5
        assert b"".join(iter(lambda: secured.recv(1), b"\n")) == b"head"
        line = adopt(secured)
        read = secured.rest
        while len(read) < 4:
            read += line.receive(1.0) or b""
        assert read == b"body"
        with pytest.raises(OSError):
            while True:
                line.receive(1.0)
    server.join()


def test_a_server_that_ends_the_handshake_is_an_error(listener: socket.socket, authority: str) -> None:
    def run() -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(100)

    server = threading.Thread(target=run)
    server.start()
    with socket.create_connection(listener.getsockname(), timeout=5) as raw, pytest.raises(OSError):
        TlsContext(authority).wrap_socket(raw, server_hostname="127.0.0.1")
    server.join()
