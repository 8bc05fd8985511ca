"""A client's session: which connection is in use, whether there will be one, and the end of both.

Nothing here knows what the messages mean; `qfex.protocol` does. The reader thread's own work is in `lifecycle`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..enums import ConnectionState
from ..errors import ForkedClientError, NotConnected, QfexConnectionError, QfexError, SlowConsumer
from ..models.connection import ConnectionEvent
from ..policies import ReconnectPolicy, TransportOptions
from ..protocol.connection import LATE_REPLY_GRACE, Endpoint, Step
from ..protocol.events import Event
from ..threads import Deadline, Latch, Mutex, ReentrantCall, ReentrantMutex, WaitList, fork_count
from .connection import GOODBYE, ClientConnection
from .events import EventHub, log
from .lifecycle import Lifecycle, transport_type
from .rate_limit import RateLimiter

if TYPE_CHECKING:
    from ..net.transport import Transport

#: States on the way to a connection. Nobody waits for these: waking others would only slow the reader down.
_ON_THE_WAY = (ConnectionState.CONNECTING, ConnectionState.AUTHENTICATING, ConnectionState.RESTORING)


def _no_answer(inquiry: Any) -> Any:
    raise NotConnected("there is nobody to ask")


#: Sessions of clients that were garbage-collected before they were closed.
_forgotten: set[Session] = set()


def end_forgotten_sessions() -> None:
    """Close the sessions whose clients were garbage-collected, if their reader threads have not yet."""
    for session in list(_forgotten):
        session.end_forgotten()


class Session:
    """The connection of one client.

    `mutex` guards the state of the account or the markets, and the requests in flight. `_lock` guards changes of `state`,
    `current` (the connection in use, if any), `_failure` and the reader thread; it is reentrant, so that a signal handler
    may close the client. No two locks are ever held together, except for those of the message budget, which are held for
    no longer than a computation.

    The reader thread refers to the session, and the session to no client: a client that nobody uses is garbage, and
    `forget` ends its session.

    Parameters
    ----------
    name : str
        How its threads are named.
    endpoint : Endpoint
        The gateway, and the state of the account or the markets.
    reconnect : ReconnectPolicy or None
    options : TransportOptions
    limiter : RateLimiter or None
        The message budget; what the exchange says of it is passed on.

    Attributes
    ----------
    mutex : Mutex
    answer_inquiry : callable
        Answers a question of a procedure that is not for the socket, on a worker thread.
    forgotten : bool
        Whether the client was garbage-collected before it was closed.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        reconnect: ReconnectPolicy | None,
        options: TransportOptions,
        limiter: RateLimiter | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.name = name
        self.limiter = limiter
        self.reconnect = reconnect
        self._forks = fork_count()
        self.mutex = Mutex()
        self._lock = ReentrantMutex()
        self.connection_changed = WaitList()
        self.state_changed = WaitList()
        self.current: ClientConnection | None = None
        self._transport: Transport | None = None
        self._failure: QfexError | None = None
        self._reader_thread: threading.Thread | None = None
        self.last_error: QfexConnectionError | None = None
        self.state = ConnectionState.DISCONNECTED
        self.closing = Latch()
        self._spent = False  # closed by the user, for good
        self.forgotten = False
        self.ended = Latch()
        self.answer_inquiry: Callable[[Any], Any] = _no_answer
        self.events = EventHub(name, endpoint, self._dispatcher_died, self._stop_inflow)
        self.round_trips: deque[float] = deque(maxlen=1000)
        self.lifecycle = Lifecycle(self, options)

    def _dispatcher_died(self, error: BaseException) -> None:
        log.critical("the dispatcher thread of %s died", self.name, exc_info=error)
        self.fail(QfexError(f"the dispatcher thread died: {error!r}"))
        self.abort()

    # --- for the client's threads ------------------------------------------------------------------------------

    def check_process(self) -> None:
        """Refuse to work in a forked child, where the reader thread does not exist.

        Raises
        ------
        ForkedClientError
            In a process other than the one that made the client.
        """
        if fork_count() != self._forks:
            raise ForkedClientError("this client belongs to the parent process; make a new one in the child")

    def start(self) -> None:
        """Start the threads, unless they run."""
        transport_type()  # imported by the user's thread: the reader thread may outlive the interpreter
        with self._lock:
            if self.closing.is_set():
                raise NotConnected("the client is closed")
            if self.is_alive and not self.ended.is_set():
                return
            self._failure = None
            self.ended.clear()
            self._reader_thread = threading.Thread(
                target=self.lifecycle.run, name=f"{self.name}-reader", daemon=True
            )
        self.events.start()
        self._reader_thread.start()

    def ready_connection(self, deadline: Deadline) -> ClientConnection:
        """Wait for a connection that can be used.

        Raises
        ------
        NotConnected
            If there is none and none will come.
        TimeoutError
            If none came in time.
        """
        self.check_process()
        while (connection := self._usable()) is None:
            if not self.connection_changed.wait_until(self._usable, deadline):
                raise TimeoutError(str(self.last_error or "no connection"))
        return connection

    def _usable(self) -> ClientConnection | None:
        connection = self.connection_in_use
        if connection is None:
            self._refuse_if_over_or_not_begun()
        return connection

    def _refuse_if_over_or_not_begun(self) -> None:
        self.refuse_if_over()
        # A signal handler may have interrupted `start`: it must not wait for a thread that starts after it returns.
        if self._reader_thread is None or self._reader_thread.ident is None:
            raise NotConnected("the client is not connected; call connect() or use it in a with block")

    @property
    def connection_in_use(self) -> ClientConnection | None:
        """The connection, if it can be used at once."""
        connection = self.current
        return connection if self.state is ConnectionState.READY else None

    def notify(self) -> None:
        """Wake all who wait for the connection, or for the state, whose wait ends with the connection too."""
        self.connection_changed.notify_all()
        self.state_changed.notify_all()

    def refuse_if_closed(self) -> None:
        """Raise `NotConnected` if the client is closed."""
        self.check_process()
        if self.closing.is_set():
            raise NotConnected("the client is closed")

    def refuse_if_over(self) -> None:
        """Raise `NotConnected` if the client is closed, or its connection is over for good."""
        self.refuse_if_closed()
        if self._failure is not None:
            raise NotConnected(f"the connection is over: {self._failure}") from self._failure

    @property
    def failure(self) -> QfexError | None:
        """Why the connection is over, if it is and nobody closed it."""
        return self._failure

    @property
    def is_alive(self) -> bool:
        """Whether the reader thread runs."""
        return self._reader_thread is not None and self._reader_thread.is_alive()

    @property
    def is_abandoned(self) -> bool:
        """Whether the calling thread, a reader, is no longer this session's, or the client is closed."""
        return self.closing.is_set() or self._reader_thread is not threading.current_thread()

    @property
    def is_ending(self) -> bool:
        """Whether the calling thread, a reader, has to end."""
        return self.is_abandoned or self._failure is not None

    def renew(self, connection: ClientConnection, deadline: Deadline) -> None:
        """Replace a connection that cannot be trusted any more, once what is in flight on it is answered."""
        with self._lock:
            if connection.renewing or self.reconnect is None:
                return
            connection.renewing = "a reply is overdue"
            connection.renewed_by = threading.get_ident()
        try:
            connection.drain(deadline)
            goodbye = Deadline(GOODBYE)
            connection.teardown(goodbye)
            # When the peer has answered the close frame, it has read everything before it.
            self.await_other(connection, goodbye)
        finally:  # even after Ctrl-C: a connection that refuses everything must not stay
            connection.transport.abort()
            connection.renewed_by = None

    def renew_later(self, connection: ClientConnection) -> None:
        """Replace a connection on a thread of its own: the reader thread reads meanwhile what is still answered."""

        def renew() -> None:
            with suppress(QfexError):  # the client was closed meanwhile
                self.renew(connection, Deadline(LATE_REPLY_GRACE))

        threading.Thread(target=renew, name=f"{self.name}-renewal", daemon=True).start()

    def close(self) -> None:
        """End the connection and the threads; from any thread, any number of times, within two seconds."""
        if fork_count() != self._forks:
            return  # the parent's threads and socket are its own business
        try:
            with self._lock:
                self._spent = True
            self.closing.set()
            self.notify()
            self._say_goodbye()
        finally:  # Ctrl-C shortens only the step that it falls into
            try:
                self.closing.set()
                self.abort()
                # A signal handler that interrupted the delivery of events cannot deliver this one.
                with suppress(ReentrantCall):
                    self.set_state(ConnectionState.CLOSED, reason="closed")
            finally:
                try:
                    self.events.close(0.7)
                finally:
                    self.ended.set()

    def _say_goodbye(self) -> None:
        reader, connection = self._reader_thread, self.current
        if connection is not None:
            connection.transport.send_close()
        if reader is not None and reader.is_alive() and reader is not threading.current_thread():
            reader.join(0.5 if connection is not None else 0.0)  # the peer may still answer the close frame
            self.abort()
            reader.join(0.7)

    def forget(self) -> None:
        """Note that the client was garbage-collected; the reader thread closes the session.

        The garbage collector calls this on any thread and at any point of its work. So nothing here waits, logs or enters
        a mutex.
        """
        if fork_count() != self._forks:
            return
        self.events.end()
        if self._reader_thread is not None and not self.ended.is_set():
            _forgotten.add(self)
            self.forgotten = True
            self.closing.set()
            self.notify()

    def end_forgotten(self) -> None:
        """Close the session of a client that was garbage-collected, and say so, once."""
        try:
            _forgotten.remove(self)
        except KeyError:  # the exit of the interpreter and the reader thread both call this
            return
        log.warning("a client (%s) was not closed; use it in a with block, or call close()", self.name)
        self.close()

    def abort(self) -> None:
        """Cut the connection, if there is one."""
        with self._lock:
            transport = self._transport
        if transport is not None:
            transport.abort()

    def stop(self) -> None:
        """Undo `start` after a failed `connect`, so that it may be called again, unless the client was closed."""
        with self._lock:
            self.closing.set()
            reader, transport, self._reader_thread = self._reader_thread, self._transport, None
        self.notify()
        if transport is not None:
            transport.abort()
        if reader is not None and reader.is_alive():
            # One that still connects ends by itself, since it is no longer the session's reader.
            reader.join(0.7)
        self.events.restart(0.2)
        with self._lock:
            if not self._spent:
                self.state = ConnectionState.DISCONNECTED
                self.closing = Latch()

    def await_other(self, connection: ClientConnection, deadline: Deadline) -> None:
        """Wait until a connection that is over is no longer the one in use, or the deadline passed."""
        self.connection_changed.wait_until(lambda: self._is_other(connection), deadline)

    def _is_other(self, connection: ClientConnection) -> bool:
        if self.current is not connection:
            return True
        self._refuse_if_over_or_not_begun()
        return False

    def use(self, transport: Transport) -> None:
        """Make a transport the one that `close` cuts.

        Raises
        ------
        NotConnected
            If the client is closed already.
        """
        with self._lock:
            self._transport = transport
        if self.closing.is_set():
            raise NotConnected("the client is closed")

    def put_in_use(self, connection: ClientConnection | None) -> None:
        """Make a connection the one in use, or none."""
        with self._lock:
            self.current = connection

    def answer_later(self, connection: ClientConnection, step: Step) -> None:
        """Answer an inquiry of a procedure on a thread of its own: it may take long."""

        def answer() -> None:
            try:
                outcome: Any = self.answer_inquiry(step.command)
            except Exception as error:  # whatever it is, the procedure has to know
                outcome = error
            connection.answer_inquiry(step, outcome)

        threading.Thread(target=answer, name=f"{self.name}-history", daemon=True).start()

    # --- changes of the state ----------------------------------------------------------------------------------

    def _stop_inflow(self, behind: int) -> None:
        """Have the reader thread end the connection; the next one waits until callbacks have caught up."""
        connection = self.current
        if connection is None or connection.renewing:
            return
        connection.renewing = f"callbacks are {behind} events behind"
        log.error("%s; the connection is closed until they catch up", connection.renewing)
        self.events.report("slow consumer", connection.renewing, error=SlowConsumer(connection.renewing))
        connection.stopping = True

    def set_state(
        self,
        state: ConnectionState,
        attempt: int = 0,
        reason: str = "",
        gap: tuple[datetime, datetime] | None = None,
    ) -> None:
        """Change the state of the connection, and report it; a closed client stays closed."""
        with self._lock:
            if self.state is state or self.state is ConnectionState.CLOSED:
                return
            self.state = state
        if state is ConnectionState.CLOSED:
            log.info("%s: the client is closed", self.name)
        start, end = gap or (None, None)
        change = ConnectionEvent(state, attempt, start, end, reason)
        self.events.publish([Event(self.endpoint.connection, None, change)])
        if state not in _ON_THE_WAY:
            self.notify()

    def fail(self, error: QfexError) -> None:
        """End for good, because of an error."""
        with self._lock:
            if self._failure is not None:
                return
            self._failure = error
        self.notify()
        self.events.report("connection", str(error), error=error)
