"""The reader thread's work: make a connection, keep it, replace it when it is lost."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from ..enums import ConnectionState
from ..errors import AuthenticationError, NotConnected, QfexConnectionError, QfexError
from ..net.frames import ConnectionEnded
from ..policies import ReconnectPolicy, TransportOptions
from ..protocol.command import Command
from ..threads import Deadline
from .connection import GOODBYE, ClientConnection
from .events import log
from .reader import Reader

if TYPE_CHECKING:
    from ..net.transport import Transport
    from .session import Session

_LOGIN_LIMIT = 15.0  # seconds for authentication and subscriptions; the exchange's own client waits as long
_LOGIN_PATIENCE = 3.0  # seconds for each answer of login and resync
_RESYNC_LIMIT = 2.5  # seconds for what was missed; as long again for what is left of it then


class Lifecycle:
    """Makes and keeps the connections of one session. Only the reader thread uses it.

    Attributes
    ----------
    reconnects : int
        Connections that were restored after a loss.
    """

    def __init__(self, session: Session, options: TransportOptions) -> None:
        self._session = session
        self._options = options
        self._policy = session.reconnect or ReconnectPolicy()
        self._reader: Reader | None = None
        self._sent_before = self._received_before = 0
        self._gap_start: datetime | None = None
        self._was_ready = False
        self.reconnects = 0

    @property
    def sent(self) -> int:
        """Messages sent so far."""
        reader = self._reader
        return self._sent_before + (reader.connection.transport.sent if reader else 0)

    @property
    def received(self) -> int:
        """Messages received so far."""
        reader = self._reader
        return self._received_before + (reader.received if reader else 0)

    def run(self) -> None:
        """Keep the session connected until it ends; the thread's whole life."""
        session = self._session
        try:
            self._keep_connected()
        except BaseException as error:  # nobody may wait for a dead thread
            log.critical("the reader thread of %s died", session.name, exc_info=error)
            session.fail(QfexError(f"the reader thread died: {error!r}"))
        finally:
            if session.forgotten:
                session.end_forgotten()
            elif not session.is_abandoned:
                session.set_state(ConnectionState.DISCONNECTED, reason=str(session.failure or ""))
                session.ended.set()

    def _keep_connected(self) -> None:
        session, attempt = self._session, 0
        while not session.is_ending:
            attempt += 1
            try:
                reader = self._open(attempt)
            except QfexConnectionError as error:
                if self._is_final(error):
                    return
                delay = self._policy.delay(attempt)
            else:
                attempt = 0
                delay = self._use(reader)
                if session.reconnect is None and not session.is_ending:
                    ended = reader.connection.why_ended
                    session.fail(NotConnected(f"the connection was lost: {ended}"))
                    return
            if not session.is_ending:
                session.set_state(ConnectionState.RECONNECTING, attempt, str(session.last_error or ""))
                self._pause(delay)

    def _pause(self, seconds: float) -> None:
        self._session.connection_changed.wait_until(lambda: self._session.is_ending, Deadline(seconds))

    def _is_final(self, error: QfexConnectionError) -> bool:
        session = self._session
        if session.is_ending:
            return True
        session.last_error = error
        proof = session.endpoint.proof
        if isinstance(error, AuthenticationError) and proof is not None and proof.refused():
            return False
        if isinstance(error, AuthenticationError) or session.reconnect is None:
            session.fail(error)
            return True
        return False

    # --- opening -----------------------------------------------------------------------------------------------

    def _open(self, attempt: int) -> Reader:
        """Connect, log in, resync."""
        session = self._session
        session.set_state(ConnectionState.CONNECTING, attempt)
        reader = self._connect()
        connection = reader.connection
        try:
            session.set_state(ConnectionState.AUTHENTICATING, attempt)
            login = connection.protocol.login(lambda: connection.transport.clock_skew)
            reader.carry_out(login, _LOGIN_LIMIT, patience=_LOGIN_PATIENCE, urgent=True)
            if self._was_ready:
                session.set_state(ConnectionState.RESTORING, attempt)
                self._resync(reader)
            reader.send_outgoing()  # of procedures that go on while the connection is used
            reader.release()
            reader.send_outgoing()  # before a caller may send: subscriptions come first
        except BaseException as error:
            lost = isinstance(error, ConnectionEnded)
            connection.end(error if lost else ConnectionEnded(str(error), closed=session.is_ending))  # type: ignore[arg-type]
            if isinstance(error, Exception) and not isinstance(error, QfexConnectionError):
                raise NotConnected(f"the new connection could not be used: {error}") from None
            raise
        self._ready(reader, attempt)
        return reader

    def _connect(self) -> Reader:
        session = self._session
        url, headers = session.endpoint.address()
        transport = transport_type()(url, headers, self._options)
        session.use(transport)
        transport.connect()
        if session.is_ending:
            transport.abort()
            transport.release()
            raise NotConnected("the client is closed")
        protocol = session.endpoint.new_connection(monotonic, self._may_send)
        reader = Reader(
            ClientConnection(transport, protocol, session.mutex), policy=self._policy, session=session
        )
        self._sent_before, self._received_before, self._reader = self.sent, self.received, reader
        return reader

    def _may_send(self, command: Command) -> bool:
        limiter = self._session.limiter
        if limiter is None:
            return True
        spec = self._session.endpoint.specs[type(command)]
        return limiter.takes(spec.weight, spec.bucket)

    def _resync(self, reader: Reader) -> None:
        """Find out what was missed. If this connection is lost meanwhile, the next one does, and delivers it."""
        try:
            reader.carry_out(reader.connection.protocol.resync(), _RESYNC_LIMIT, patience=_LOGIN_PATIENCE)
        except (ConnectionEnded, QfexConnectionError):
            raise
        except Exception as error:
            message = f"what was missed could not be read: {error!r}"
            self._session.events.report("recovery", message, error=error)

    def _ready(self, reader: Reader, attempt: int) -> None:
        gap = None
        if self._gap_start is not None:
            gap = (self._gap_start, datetime.now(timezone.utc))
            self._gap_start = None
            self.reconnects += 1
            log.info("%s: the connection is restored", self._session.name)
        self._was_ready = True
        self._session.last_error = None
        self._session.put_in_use(reader.connection)
        self._session.set_state(ConnectionState.READY, attempt, gap=gap)

    # --- keeping and losing ------------------------------------------------------------------------------------

    def _use(self, reader: Reader) -> float:
        """Read until the connection ends; seconds to wait before the next attempt."""
        connection = reader.connection
        try:
            reader.read_on()
            self._stop(reader)
        except ConnectionEnded as ended:
            renewing = connection.renewing
            self._lose(reader, ConnectionEnded(renewing) if renewing else ended)
        except BaseException as error:
            connection.end(ConnectionEnded(f"the reader failed: {error!r}"))
            raise
        if connection.renewing:
            self._session.events.await_callbacks(lambda: self._session.is_ending, self._pause)
            return 0.0
        return self._policy.delay(1)

    def _stop(self, reader: Reader) -> NoReturn:
        """End the connection on purpose. Reading goes on for a moment, until the peer has read what was sent last."""
        connection = reader.connection
        if self._session.forgotten:
            connection.transport.send_close()
            raise ConnectionEnded("the client was not closed", closed=True)
        connection.teardown(Deadline(GOODBYE))
        until = monotonic() + GOODBYE
        while monotonic() < until:
            reader.read(until)
        raise ConnectionEnded(connection.renewing)

    def _lose(self, reader: Reader, ended: ConnectionEnded) -> None:
        session, closed = self._session, self._session.closing.is_set()
        session.put_in_use(None)
        silence = timedelta(seconds=reader.silent_for)
        self._gap_start = self._gap_start or datetime.now(timezone.utc) - silence
        session.last_error = NotConnected(str(ended))
        if ended.silent:
            session.set_state(ConnectionState.STALE, reason=str(ended))
        if not closed:
            # The text and not the exception: its traceback would keep the connection alive with the log record.
            log.warning("%s: the connection was lost: %s", session.name, str(ended))
        if not closed and session.reconnect is not None:
            session.set_state(ConnectionState.RECONNECTING, reason=str(ended))
        reader.connection.end(ConnectionEnded(ended.reason, ended.code, closed=closed))
        session.notify()


def transport_type() -> type[Transport]:
    """Import the transport on first use: a program that never connects needs neither websocket-client nor OpenSSL."""
    from ..net.transport import Transport

    return Transport
