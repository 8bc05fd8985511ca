"""The life of a client's connection: the reader thread that makes it, keeps it, and makes it anew.

Nothing here knows what the messages mean; the `Dialogue` does.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import TYPE_CHECKING

from ..enums import ConnectionState
from ..errors import (
    AuthenticationError,
    ForkedClientError,
    NotConnected,
    QfexConnectionError,
    QfexError,
    SlowConsumer,
)
from ..models.connection import ConnectionEvent, ErrorEvent
from ..policies import ReconnectPolicy
from ..protocol.events import Event
from . import process
from .bells import Bell, Flag, ring_all, sleep_until
from .deadline import Deadline
from .dialogue import Dialogue
from .dispatcher import Dispatcher, log
from .intake import Intake
from .line import Line, written
from .options import TransportOptions
from .pending import LineLost, SendFailed
from .script import Conversation, Script
from .streams import StreamHub

if TYPE_CHECKING:
    from .transport import Transport

_OPENING_LIMIT = 15.0  # seconds for authentication and subscriptions; the exchange's own client waits as long
_RECOVERY_LIMIT = 5.0  # seconds for what was missed; then the line is used without it, and an error reported
_GOODBYE = 0.7  # seconds to take leave of a peer; a call that renews the line may last a second too long
_CAUGHT_UP = 50_000  # events; callbacks that fell too far behind have caught up when fewer wait

# What nobody waits for: waking who waits for the line would only hold the reader up.
_ON_THE_WAY = (ConnectionState.CONNECTING, ConnectionState.AUTHENTICATING, ConnectionState.RESTORING)


class Session:
    """The connection of one client.

    `_lock` guards changes of `state`, `current_line` (the line in use, if any), `_failure` and the reader; `_bells` are
    those of who waits for one of these; `state_lock` guards the dialogue's state. No two locks are ever held together,
    but for those of the message budget, which are held for no longer than a computation.
    """

    def __init__(
        self,
        name: str,
        dialogue: Dialogue,
        reconnect: ReconnectPolicy | None,
        options: TransportOptions,
    ) -> None:
        self.dialogue = dialogue
        self.name = name
        self._reconnect = reconnect
        self._policy = reconnect or ReconnectPolicy()
        self._options = options
        self._forks = process.forks
        self._lock = threading.RLock()
        self._bells: list[Bell] = []
        self.current_line: Line | None = None
        self._transport: Transport | None = None
        self._failure: QfexError | None = None
        self._reader: threading.Thread | None = None
        self._last_error: QfexConnectionError | None = None
        self.state = ConnectionState.DISCONNECTED
        self.closing = Flag()
        self._spent = False  # closed by the user, for good
        self.ended = Flag()
        self.streams = StreamHub()
        self.dispatcher = self._new_dispatcher()
        self.round_trips: deque[float] = deque(maxlen=1000)
        self.intake = Intake(dialogue, self.publish)
        self.sent_before = self.reconnects = 0
        self._gap_start: datetime | None = None
        self._was_ready = False

    def _new_dispatcher(self) -> Dispatcher:
        name = f"{self.name}-dispatcher"
        return Dispatcher(
            name, self.dialogue.policy_of, self.dialogue.errors, self._dispatcher_died, self.publish
        )

    def _dispatcher_died(self, error: BaseException) -> None:
        log.critical("the dispatcher thread of %s died", self.name, exc_info=error)
        self._over(QfexError(f"the dispatcher thread died: {error!r}"))
        self._abort()

    # --- for the client's threads ------------------------------------------------------------------------------

    def check_process(self) -> None:
        """Refuse to work in a forked child, where the reader thread does not exist.

        Raises
        ------
        ForkedClientError
            In a process other than the one that made the client.
        """
        if process.forks != self._forks:
            raise ForkedClientError("this client belongs to the parent process; make a new one in the child")

    @property
    def state_lock(self) -> threading.Lock:
        """What guards the dialogue's state. Refused in a forked child, where its holder may not exist."""
        self.check_process()
        return self.intake.lock

    def start(self) -> None:
        """Start the threads, unless they run."""
        _transport_type()  # imported by the user's thread: the reader's may outlive the interpreter
        with self._lock:
            if self.closing.is_set():
                raise NotConnected("the client is closed")
            if self._reader is not None and self._reader.is_alive() and not self.ended.is_set():
                return
            self._failure = None
            self.ended.clear()
            self._reader = threading.Thread(target=self._run, name=f"{self.name}-reader", daemon=True)
        self.dispatcher.start()
        self._reader.start()

    def ready_line(self, deadline: Deadline) -> Line:
        """Wait for a line that can be used.

        Raises
        ------
        NotConnected
            If there is none and none will come.
        TimeoutError
            If none came in time.
        """
        self.check_process()
        while (line := self._usable_line()) is None:
            if not sleep_until(self._usable_line, self._bells, deadline):
                raise TimeoutError(str(self._last_error or "no connection"))
        return line

    def _usable_line(self) -> Line | None:
        line = self.current_line
        if line is not None and self.state is ConnectionState.READY:
            return line
        self._refuse_if_over()
        return None

    def _ring(self) -> None:
        """Have all look again who wait for the line, or for the state: the end of the one ends both waits."""
        ring_all(self._bells)
        ring_all(self.intake.observers)

    def _refuse_if_over(self) -> None:
        if self.closing.is_set():
            raise NotConnected("the client is closed")
        if self._failure is not None:
            raise NotConnected(f"the connection is over: {self._failure}") from self._failure
        if self._reader is None:
            raise NotConnected("the client is not connected; call connect() or use it in a with block")

    @property
    def failure(self) -> QfexError | None:
        """Why the connection is over, if it is and nobody closed it."""
        return self._failure

    @property
    def last_error(self) -> QfexConnectionError | None:
        """Why the newest attempt to connect failed."""
        return self._last_error

    @property
    def is_alive(self) -> bool:
        """Whether the reader thread runs."""
        return self._reader is not None and self._reader.is_alive()

    def renew(self, line: Line, deadline: Deadline) -> None:
        """Replace a line that cannot be trusted any more, once what is in flight on it is answered."""
        with self._lock:
            if line.renewing or self._reconnect is None:
                return
            line.renewing = "a reply is overdue"
        try:
            line.pending.drain(deadline)
            goodbye = Deadline(_GOODBYE)
            self._take_leave(line, goodbye)
            self.await_other(line, goodbye)  # the peer's answer proves that it read all before it
        finally:  # Ctrl-C too must not leave a line that refuses everything
            line.transport.abort()

    def _take_leave(self, line: Line, deadline: Deadline) -> None:
        """Say what must be said before a line is ended on purpose, and close it."""
        with suppress(SendFailed):
            if farewell := self.dialogue.farewell():
                line.send([written(command) for command in farewell], deadline)
        line.transport.send_close(1000, "renewed")

    def close(self) -> None:
        """End the connection and the threads; from any thread, any number of times, within two seconds."""
        if process.forks != self._forks:
            return  # the parent's threads and socket are its own business
        try:
            with self._lock:
                self._spent = True
            self.closing.set()
            self._ring()
            self._say_goodbye()
        finally:  # Ctrl-C cuts only what it falls into short
            try:
                self.closing.set()
                self._abort()
                self._set_state(ConnectionState.CLOSED, reason="closed")
            finally:
                try:
                    self.streams.close()
                    self.dispatcher.stop(0.7)
                finally:
                    self.ended.set()

    def _say_goodbye(self) -> None:
        reader, line = self._reader, self.current_line
        if line is not None:
            line.transport.send_close()
        if reader is not None and reader is not threading.current_thread():
            reader.join(0.5 if line is not None else 0.0)  # the peer may still say goodbye
            self._abort()
            reader.join(0.7)

    def _abort(self) -> None:
        """Cut the connection, if there is one."""
        with self._lock:
            transport = self._transport
        if transport is not None:
            transport.abort()

    def stop(self) -> None:
        """Undo `start` after a failed `connect`, so that it may be called again, unless the client was closed."""
        with self._lock:
            self.closing.set()
            reader, transport, self._reader = self._reader, self._transport, None
        self._ring()
        if transport is not None:
            transport.abort()
        if reader is not None:
            reader.join(0.7)  # one that still connects ends by itself, since it is the reader no more
        self.dispatcher.stop(0.2)
        registry = self.dispatcher.registry
        self.dispatcher = self._new_dispatcher()
        self.dispatcher.registry = registry
        with self._lock:
            if not self._spent:
                self.state = ConnectionState.DISCONNECTED
                self.closing = Flag()

    def await_other(self, line: Line, deadline: Deadline) -> None:
        """Wait until a line that is over is no longer the one in use, or the deadline passed."""
        sleep_until(lambda: self._is_other(line), self._bells, deadline)

    def _is_other(self, line: Line) -> bool:
        if self.current_line is not line:
            return True
        self._refuse_if_over()
        return False

    # --- events ------------------------------------------------------------------------------------------------

    def publish(self, events: Sequence[Event]) -> None:
        """Give events to callbacks and streams, where there are any."""
        if self.streams.opened:
            self.streams.publish(events)
        if self.dispatcher.registry.by_channel and not self.dispatcher.publish(events):
            self._stop_inflow()

    def report(self, kind: str, message: str, text: str = "", error: BaseException | None = None) -> None:
        """Report what belongs to no call on the errors channel."""
        log.debug("%s: %s", kind, message)
        self.publish([Event(self.dialogue.errors, None, ErrorEvent(kind, message, text, error))])

    def _stop_inflow(self) -> None:
        """End the line, since callbacks are too far behind; the next one waits until they have caught up."""
        line = self.current_line
        if line is None or line.renewing:
            return
        line.renewing = f"callbacks are {len(self.dispatcher.buffer)} events behind"
        log.error("%s; the line is closed until they catch up", line.renewing)
        self.report("slow consumer", line.renewing, error=SlowConsumer(line.renewing))
        line.transport.abort()

    def _set_state(
        self,
        state: ConnectionState,
        attempt: int = 0,
        reason: str = "",
        gap: tuple[datetime, datetime] | None = None,
    ) -> None:
        with self._lock:
            if self.state is state or self.state is ConnectionState.CLOSED:
                return
            self.state = state
        start, end = gap or (None, None)
        change = ConnectionEvent(state, attempt, start, end, reason)
        self.publish([Event(self.dialogue.connection, None, change)])
        if state not in _ON_THE_WAY:
            self._ring()

    # --- the reader thread -------------------------------------------------------------------------------------

    @property
    def _abandoned(self) -> bool:
        return self.closing.is_set() or self._reader is not threading.current_thread()

    @property
    def _ending(self) -> bool:
        return self._abandoned or self._failure is not None

    def _run(self) -> None:
        try:
            self._keep_connected()
        except BaseException as error:  # nobody may wait for a dead thread
            log.critical("the reader thread of %s died", self.name, exc_info=error)
            self._over(QfexError(f"the reader thread died: {error!r}"))
        finally:
            if not self._abandoned:
                self._set_state(ConnectionState.DISCONNECTED, reason=str(self._failure or ""))
                self.ended.set()

    def _keep_connected(self) -> None:
        attempt = 0
        while not self._ending:
            attempt += 1
            try:
                line = self._open(attempt)
            except QfexConnectionError as error:
                if self._is_final(error):
                    return
                delay = self._policy.delay(attempt)
            else:
                attempt = 0
                delay = self._use(line)
                if self._reconnect is None and not self._ending:
                    self._over(NotConnected(f"the connection was lost: {line.lost}"))
                    return
            if not self._ending:
                self._set_state(ConnectionState.RECONNECTING, attempt, str(self._last_error or ""))
                self._pause(delay)

    def _pause(self, seconds: float) -> None:
        sleep_until(lambda: self._ending, self._bells, Deadline(seconds))

    def _is_final(self, error: QfexConnectionError) -> bool:
        if self._ending:
            return True
        self._last_error = error
        if isinstance(error, AuthenticationError) or self._reconnect is None:
            self._over(error)
            return True
        return False

    def _over(self, error: QfexError) -> None:
        with self._lock:
            if self._failure is not None:
                return
            self._failure = error
        self._ring()
        self.report("connection", str(error), error=error)

    def _open(self, attempt: int) -> Line:
        """Connect, authenticate, restore."""
        self._set_state(ConnectionState.CONNECTING, attempt)
        line = self._connect()
        try:
            self._set_state(ConnectionState.AUTHENTICATING, attempt)
            self._converse(line, self.dialogue.opening(lambda: line.transport.clock_skew), _OPENING_LIMIT)
            if self._was_ready:
                self._set_state(ConnectionState.RESTORING, attempt)
                self._recover(line)
            self._release()
        except BaseException as error:
            line.end(error if isinstance(error, LineLost) else LineLost(str(error), closed=self._ending))
            if isinstance(error, Exception) and not isinstance(error, QfexConnectionError):
                raise NotConnected(f"the new line could not be used: {error}") from None
            raise
        self._ready(line, attempt)
        return line

    def _connect(self) -> Line:
        url, headers = self.dialogue.endpoint()
        transport = _transport_type()(url, headers, self._options)
        with self._lock:
            self._transport = transport
        if self.closing.is_set():
            raise NotConnected("the client is closed")
        transport.connect()
        if self._ending:
            transport.abort()
            transport.release()
            raise NotConnected("the client is closed")
        return Line(transport, self.dialogue.new_book(), self._policy, self.round_trips)

    def _converse(self, line: Line, conversation: Conversation, limit: float) -> None:
        """Run a conversation to its end, reading meanwhile."""
        script = self.start_script(line, conversation)
        until = monotonic() + limit
        while not script.done:
            if self._ending:
                raise LineLost("closed", closed=True)
            self.intake.read(line, until)
            if monotonic() >= until and not script.done:
                script.expire()
                until = monotonic() + limit
        if script.error is not None:
            raise script.error

    def start_script(self, line: Line, conversation: Conversation) -> Script:
        """Begin a conversation on a line; the reader thread carries it on."""
        script = Script(
            conversation, line.pending, lambda command: line.send((written(command),), Deadline(1.0))
        )
        script.start()
        return script

    def _recover(self, line: Line) -> None:
        """Learn what was missed. A line lost or given up meanwhile leaves that, and what is held back, to the next."""
        try:
            self._converse(line, self.dialogue.recovery(), _RECOVERY_LIMIT)
        except (LineLost, QfexConnectionError):
            raise
        except Exception as error:
            self.report("recovery", f"what was missed could not be read: {error!r}", error=error)

    def _release(self) -> None:
        """Tell what was missed, then what was held back behind it."""
        with self.intake.lock:
            events = list(self.dialogue.released())
        self.publish(events)
        self._ring()

    def _ready(self, line: Line, attempt: int) -> None:
        gap = None
        if self._gap_start is not None:
            gap = (self._gap_start, datetime.now(timezone.utc))
            self._gap_start = None
            self.reconnects += 1
        self._was_ready = True
        self._last_error = None
        with self._lock:
            self.current_line = line
        self._set_state(ConnectionState.READY, attempt, gap=gap)

    def _use(self, line: Line) -> float:
        """Read until the line ends; seconds to wait before the next attempt."""
        try:
            while True:
                self.intake.read(line)
        except LineLost as lost:
            self._lose(line, LineLost(line.renewing) if line.renewing else lost)
        except BaseException as error:
            line.end(LineLost(f"the reader failed: {error!r}"))
            raise
        if line.renewing:
            self._await_caught_up()
            return 0.0
        return self._policy.delay(1)

    def _lose(self, line: Line, lost: LineLost) -> None:
        closed = self.closing.is_set()
        with self._lock:
            self.current_line = None
            silence = timedelta(seconds=line.silent_for)
            self._gap_start = self._gap_start or datetime.now(timezone.utc) - silence
        self._last_error = NotConnected(str(lost))
        self.sent_before += line.sent
        if lost.silent:
            self._set_state(ConnectionState.STALE, reason=str(lost))
        if not closed and self._reconnect is not None:
            self._set_state(ConnectionState.RECONNECTING, reason=str(lost))
        line.end(LineLost(lost.reason, lost.code, closed=closed))
        self._ring()

    def _await_caught_up(self) -> None:
        buffer = self.dispatcher.buffer
        while len(buffer) > _CAUGHT_UP and not self._ending:
            self._pause(0.05)


def _transport_type() -> type[Transport]:
    """Import what connects on first use: a program that never does needs neither websocket-client nor OpenSSL."""
    from .transport import Transport

    return Transport
