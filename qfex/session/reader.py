"""Reading a connection: the reader thread's part, from bytes to callers that wake up."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..net import frames
from ..net.frames import ConnectionEnded, SendFailed, encode_frame
from ..policies import ReconnectPolicy
from ..protocol.connection import Procedure
from ..protocol.events import Event
from ..threads import Deadline
from .connection import ClientConnection

if TYPE_CHECKING:
    from .session import Session

_CONTROLS_HELD = 8  # control frames that wait for a busy socket; older ones are out of date by then
_WORK_INTERVAL = 0.25  # seconds; how late what is due by the clock may be done
_LONGEST_WAIT = 0.5  # seconds; how late a deadline of the reader's own may be noticed

#: If one read has at most so many messages, what the callers send that it wakes is held back until all are handled.
_FEW = 16

_ECHOED_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011})


class Heartbeat:
    """Pings a peer and notices one that is silent, or that sends and does not read."""

    def __init__(self, policy: ReconnectPolicy) -> None:
        self._interval = policy.heartbeat_interval
        self._timeout = policy.heartbeat_timeout
        self._check_every = min(_LONGEST_WAIT, self._interval / 8, self._timeout / 8)
        self._received = self._last_pong = monotonic()
        self._pinged: float | None = None
        self.next_check = self._received + self._check_every

    def received(self) -> None:
        """Note that the peer sent something."""
        self._received = monotonic()

    def ponged(self) -> None:
        """Note that the peer answered a ping."""
        self._pinged, self._last_pong = None, monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the peer sent something."""
        return monotonic() - self._received

    def check(self, now: float) -> bool:
        """Whether a ping is due.

        Raises
        ------
        ConnectionEnded
            If the last ping was not answered in time.
        """
        self.next_check = now + self._check_every
        if self._pinged is not None and now - self._pinged >= self._timeout:
            silent = now - min(self._received, self._last_pong)
            raise ConnectionEnded(f"the peer was silent for {silent:.1f} s", silent=True)
        # Pings are sent during traffic too: a peer may go on sending and yet read nothing.
        if self._pinged is None and now - self._last_pong >= self._interval:
            self._pinged = now
            return True
        return False


class Reader:
    """Reads one connection, and carries out its procedures. Only the reader thread uses it.

    Parameters
    ----------
    connection : ClientConnection
    policy : ReconnectPolicy
        Its heartbeat.
    session : Session
        Delivers events, has the message budget, and the threads that wait for the state to change.

    Attributes
    ----------
    received : int
        Messages so far.
    """

    def __init__(self, connection: ClientConnection, policy: ReconnectPolicy, session: Session) -> None:
        self.connection = connection
        self._transport = connection.transport
        self._protocol = connection.protocol
        self._mutex = connection.mutex
        self._requests_changed = connection.requests_changed
        self._session = session
        self._publish = session.events.publish
        self._state_changed = session.state_changed
        self._round_trips = session.round_trips
        self._heartbeat = Heartbeat(policy)
        self._controls: deque[tuple[int, bytes]] = deque(maxlen=_CONTROLS_HELD)
        self.received = 0

    @property
    def silent_for(self) -> float:
        """Seconds since the peer sent something."""
        return self._heartbeat.silent_for

    # --- the loops ---------------------------------------------------------------------------------------------

    def read_on(self) -> None:
        """Read until the connection is to be ended on purpose, and send what procedures ask for.

        Raises
        ------
        ConnectionEnded
            When the connection is over before.
        """
        connection, protocol, session = self.connection, self._protocol, self._session
        while not (connection.stopping or session.forgotten):
            if protocol.outgoing or protocol.inquiries:
                self.send_outgoing()
            self.read(monotonic() + _WORK_INTERVAL)
            if protocol.is_overdue and not connection.renewing:
                session.renew_later(connection)

    def carry_out(self, procedure: Procedure, limit: float, *, patience: float, urgent: bool = False) -> None:
        """Run a procedure to its end, reading meanwhile.

        When its time is up, it is informed once and has the same time again for what it does without the answer; then it is
        stopped. What it leaves open is asked for while the connection is used.

        Parameters
        ----------
        procedure : generator
        limit : float
            Seconds for all of it.
        patience : float
            Seconds for each of its answers.
        urgent : bool
            Whether it is sent even when the message budget is spent.
        """
        protocol = self._protocol
        with self._mutex:
            run = protocol.start(procedure, patience, urgent=urgent)
        until, is_expired = monotonic() + limit, False
        while not run.done:
            if self._session.is_ending:
                raise ConnectionEnded("closed", closed=True)
            self.send_outgoing()
            self.read(until)
            if monotonic() >= until and not run.done:
                with self._mutex:
                    protocol.stop(run) if is_expired else protocol.expire(run)
                until, is_expired = monotonic() + limit, True
        if run.error is not None:
            raise run.error

    def send_outgoing(self) -> None:
        """Send what procedures ask for: commands on the socket, inquiries to a worker thread."""
        protocol = self._protocol
        with self._mutex:
            inquiries, protocol.inquiries = protocol.inquiries, []
            messages, protocol.outgoing = protocol.outgoing, []
        for step in inquiries:
            self._session.answer_later(self.connection, step)
        if messages:
            try:
                self._transport.write(
                    [encode_frame(frames.TEXT, message) for message in messages], Deadline(1.0)
                )
            except SendFailed as failed:
                raise ConnectionEnded(str(failed)) from None

    def release(self) -> None:
        """Deliver what was held back during login and resync."""
        with self._mutex:
            events = list(self._protocol.release())
        self._publish(events)
        self._state_changed.notify_all()

    # --- messages ----------------------------------------------------------------------------------------------

    def read(self, until: float = float("inf")) -> None:
        """Wait for messages, at most until a monotonic time, and handle those that came.

        The first event is delivered at once, so that its callback need not wait for what came with it; the others
        together, but before a caller learns of an answer that came after them.

        Raises
        ------
        ConnectionEnded
            When the connection is over.
        """
        events: list[Event] = []
        first = True
        messages = self._receive(until)
        several = 1 < len(messages) <= _FEW
        if several:  # callers wake one shortly after the other, and may send together
            self._transport.hold_back()
        if not messages:
            self._work(events)
        try:
            for opcode, payload in messages:
                if opcode > frames.BINARY:
                    self._handle_control(opcode, payload)
                    continue
                self.received += 1
                self._handle(payload, events)
                if events and first:
                    first = False
                    self._deliver(events)
        finally:
            if several:
                self._transport.push()
            if events:
                self._deliver(events)

    def _deliver(self, events: list[Event]) -> None:
        self._publish(events)
        events.clear()

    def _handle(self, payload: bytes, events: list[Event]) -> None:
        """Let a message change the state, and wake the callers that it answers."""
        protocol = self._protocol
        with self._mutex:
            answers, found = protocol.receive(payload)
            if protocol.has_work:
                late, due = protocol.work(not self._requests_changed)
                answers += late
                found += due
        if self._requests_changed:  # a key may be free: answers to procedures are not among `answers`
            self._requests_changed.notify_all()
        events += found
        if protocol.throttled:
            self._obey()
        if answers:
            self._hand_over(answers, events)
        if self._state_changed:
            self._state_changed.notify_all()

    def _work(self, events: list[Event]) -> None:
        """Do what is due by the clock."""
        with self._mutex:
            answers, found = self._protocol.work(not self._requests_changed)
        if self._requests_changed:
            self._requests_changed.notify_all()
        events += found
        if answers:
            self._hand_over(answers, events)

    def _obey(self) -> None:
        """Obey what the exchange said of the message budget."""
        with self._mutex:
            throttled, self._protocol.throttled = self._protocol.throttled, []
        for bucket, seconds in throttled:
            if self._session.limiter is not None:
                self._session.limiter.pause(bucket, seconds)

    def _hand_over(self, answers: list[tuple[Any, Any]], events: list[Event]) -> None:
        """Deliver events, then wake the callers of the answers.

        Callers are woken last. Woken earlier, they would compete with this thread for the interpreter.
        """
        self._deliver(events)
        now = monotonic()
        for request, outcome in answers:
            self._round_trips.append(now - request.sent_at)
            request.resolve(outcome)

    # --- frames ------------------------------------------------------------------------------------------------

    def _receive(self, until: float) -> list[tuple[int, bytes]]:
        """Wait for messages, at most until a monotonic time; those that came, as opcode and payload."""
        now = monotonic()
        due = now >= self._heartbeat.next_check
        try:
            wait = 0.0 if due else max(0.0, min(self._heartbeat.next_check, until) - now)
            messages = self._transport.receive(wait)
        except frames.FrameError as error:
            self._transport.send_close(error.code, str(error))
            raise ConnectionEnded(f"protocol error: {error}", error.code) from None
        except (OSError, ValueError) as error:
            raise ConnectionEnded(str(error) or type(error).__name__) from None
        if messages:
            self._heartbeat.received()
        elif due:  # only once all that came has been read, however long this thread was held up
            if self._heartbeat.check(now):
                self._controls.append((frames.PING, b""))
            self._send_controls()
        return messages

    def _handle_control(self, opcode: int, payload: bytes) -> None:
        """Answer a ping or a close frame.

        Raises
        ------
        ConnectionEnded
            When it is a close frame.
        """
        if opcode == frames.PING:
            self._controls.append((frames.PONG, payload))
            self._send_controls()
        elif opcode == frames.PONG:
            self._heartbeat.ponged()
        else:
            code, reason = frames.close_code(payload)
            self._transport.send_close(code if code in _ECHOED_CODES else 1000)
            raise ConnectionEnded(reason or "the peer closed the connection", code)

    def _send_controls(self) -> None:
        """Send pings and pongs; those that find the socket busy are tried again with the next heartbeat."""
        while self._controls and self._transport.send_control(*self._controls[0]):
            self._controls.popleft()
