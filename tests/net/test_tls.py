"""TLS in memory: encrypted data is read completely, however it arrives, and tampered data is refused."""

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

from qfex.net.handshake import HandshakeSocket, Tls, TlsContext
from qfex.net.transport import adopt

AUTHORITY = trustme.CA()


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


class TlsServer:
    """The server's end of a TLS connection, in memory too."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.connection = SERVER.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def encrypt(self, *messages: bytes) -> bytes:
        """The encrypted bytes of some messages."""
        for message in messages:
            self.connection.write(message)
        return self.outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """The decrypted text of some bytes."""
        self.incoming.write(data)
        return self.connection.read(1_000_000)


SERVER = server_context()


def handshaken() -> tuple[Tls, TlsServer]:
    """Both ends of a connection after the handshake."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    here, there = socket.socketpair()
    with here, there:
        tls, server = Tls(context, "127.0.0.1"), TlsServer()

        def shake() -> None:
            done = False
            while not done:
                server.incoming.write(there.recv(65536))
                try:
                    server.connection.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    pass
                there.sendall(server.outgoing.read())

        shaker = threading.Thread(target=shake)
        shaker.start()
        tls.shake_hands(here)
        shaker.join()
        here.setblocking(False)
        try:  # the tickets for a later session, unless they arrived with the handshake
            assert tls.unseal(here.recv(65536)) == b""
        except BlockingIOError:
            pass
    return tls, server


@given(
    st.lists(st.binary(min_size=1, max_size=40_000), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_encrypted_messages_are_read_completely_however_they_arrive(
    messages: list[bytes], random: object
) -> None:
    tls, server = handshaken()
    encrypted, read, position = server.encrypt(*messages), b"", 0
    while position < len(encrypted):
        size = random.randint(1, 5000)  # type: ignore[attr-defined]
        read += tls.unseal(encrypted[position : position + size])
        position += size
    assert read == b"".join(messages)


def test_the_server_can_read_what_the_client_encrypts() -> None:
    tls, server = handshaken()
    assert server.decrypt(tls.seal(b"one")) + server.decrypt(tls.seal(b"two")) == b"onetwo"


@pytest.mark.parametrize("tampered", [0, 5, 30, -1])
def test_tampered_data_ends_the_connection(tampered: int) -> None:
    tls, server = handshaken()
    encrypted = bytearray(server.encrypt(b"a message of some length"))
    encrypted[tampered] ^= 0x40
    with pytest.raises(OSError):
        tls.unseal(bytes(encrypted))


def test_a_tls_close_is_read_after_the_data_before_it() -> None:
    tls, server = handshaken()
    encrypted = server.encrypt(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        server.connection.unwrap()
    assert tls.unseal(encrypted + server.outgoing.read()) == b"last words"
    with pytest.raises(ConnectionResetError):
        tls.unseal(b"")


def test_threads_may_encrypt_and_decrypt_at_once() -> None:
    tls, server = handshaken()
    encrypted = [server.encrypt(b"%06d" % number) for number in range(3000)]
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(map(tls.unseal, encrypted)))
    reader.start()
    sealed = [tls.seal(b"%06d" % number) for number in range(3000)]
    reader.join()
    assert read == [b"%06d" % number for number in range(3000)]
    assert b"".join(map(server.decrypt, sealed)) == b"".join(read)


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
    """A server that answers the first bytes and disconnects without a TLS close."""

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
        connection = adopt(secured)
        read = secured.rest
        while len(read) < 4:
            read += connection.receive(1.0) or b""
        assert read == b"body"
        with pytest.raises(OSError):
            while True:
                connection.receive(1.0)
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
