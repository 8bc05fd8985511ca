"""`Simulator.faults`: the methods with which a test injects faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ...gateway.session import OutboundMessage
from ...gateway.wire import encode
from . import effects
from .effects import Echo
from .plan import CommandRule, Countdown, Direction, FrameRule, Interception, Predicate, Transform

if TYPE_CHECKING:
    from ..connection import Connection
    from ..runtime import Runtime
    from ..trade import TradeServer
    from .plan import FaultPlan

ConnectionChoice = int | Literal["next"] | None
Result = TypeVar("Result")
RunOnLoop = Callable[[Callable[[], Any]], Any]


class Held:
    """Replies that are held back until a test releases them; returned by `Faults.hold_reply`."""

    def __init__(self, call: RunOnLoop) -> None:
        self._call = call
        self._held: list[tuple[Connection, list[OutboundMessage]]] = []

    @property
    def count(self) -> int:
        """The number of messages that are held back."""
        return sum(len(messages) for _, messages in self._held)

    def release(self) -> None:
        """Send what was held back."""
        self._call(self._send)

    def hold(self, connection: Connection, messages: list[OutboundMessage]) -> list[OutboundMessage]:
        """Hold messages back; the effect of the fault."""
        self._held.append((connection, messages))
        return []

    def _send(self) -> None:
        held, self._held = self._held, []
        for connection, messages in held:
            connection.write(messages)


class Faults:
    """Injects faults on the trade socket.

    Every method may be called from any thread and has taken effect when it returns. Directions are those of the server:
    "in" is from the client.

    At most one fault strikes a command or message: of those that match it, the one that was armed first.

    Faults of commands and replies take a scope:

    - ``times``: how often the fault strikes (default once; None means until `clear`).
    - ``skip``: how many matching commands or messages it spares first.
    - ``connection``: the only connection that it strikes, an ``id`` of `Simulator.connections` or "next".
    - ``when``: a condition on the decoded command, or on the decoded message if the fault is one of single messages.
    """

    def __init__(self, call: RunOnLoop, server: TradeServer, plan: FaultPlan, runtime: Runtime) -> None:
        self._call = call
        self._server = server
        self._plan = plan
        self._runtime = runtime

    # ------------------------------------------------------------------ connections

    def drop_now(self, *, connection: int | None = None, reset: bool = False) -> int:
        """Cut all trade connections (or one) without a close frame; return their number."""

        def cut(one: Connection) -> None:
            one.cut(reset=reset)
            self._server.end(one)

        return self._each(connection, cut)

    def drop_after(
        self,
        *,
        frames: int,
        direction: Direction = "in",
        connection: ConnectionChoice = None,
        reset: bool = False,
    ) -> None:
        """Cut the trade connection that carries the n-th message from now on, after that message.

        An incoming message is processed and answered first.
        """
        _positive(frames)

        def arm() -> None:
            countdown = Countdown(frames, reset, self._number(connection))
            self._plan.frame_countdown[direction] = countdown

        self._do(arm)

    def drop_after_bytes(self, count: int, direction: Direction = "in", *, reset: bool = False) -> None:
        """Cut the trade connection that carries the n-th byte from now on, exactly after it.

        Every byte counts, including those of the upgrade and of control frames.
        """
        countdown = Countdown(_positive(count), reset)
        self._do(lambda: self._plan.byte_countdown.__setitem__(direction, countdown))

    def close_with(self, code: int, reason: str = "", *, connection: int | None = None) -> None:
        """Close trade connections with a close frame that has this code."""
        self._each(connection, lambda one: one.socket.close(code, reason))

    def stop_reading(self, *, connection: int | None = None) -> None:
        """Stop reading from the sockets: the client's writes fill the buffers and then block."""
        self._each(connection, lambda one: one.socket.transport.stop_reading())

    def resume_reading(self, *, connection: int | None = None) -> None:
        """Undo `stop_reading`."""
        self._each(connection, lambda one: one.socket.transport.continue_reading())

    def go_silent(self, *, connection: int | None = None) -> None:
        """Send nothing, not even pongs, but keep processing commands: a half-open connection."""
        self._each(connection, lambda one: one.socket.transport.hold())

    def speak(self, *, connection: int | None = None) -> None:
        """Undo `go_silent` and send what it held back."""
        self._each(connection, lambda one: one.socket.transport.release())

    def refuse_connections(self, times: int | None = None) -> None:
        """Reset the next connections before their upgrade is answered; None means until `accept_connections`."""
        self._do(lambda: setattr(self._plan, "refusals", times))

    def accept_connections(self) -> None:
        """End `refuse_connections`."""
        self._do(lambda: setattr(self._plan, "refusals", 0))

    def stall_connections(self, times: int | None = None) -> None:
        """Leave the upgrades of the next connections (None: of all) unanswered until `clear`."""
        self._do(lambda: setattr(self._plan, "stalls", times))

    # ------------------------------------------------------------------ commands

    def drop_before_command(self, command: str | None = None, *, reset: bool = False, **scope: Any) -> None:
        """Cut the connection when the command arrives, without processing it."""
        self._on_command(command, intercept=effects.cut_before(reset), **scope)

    def swallow_command(self, command: str | None = None, **scope: Any) -> None:
        """Neither process nor answer the command."""
        self._on_command(command, intercept=effects.ignore, **scope)

    def error_reply(
        self,
        command: str | None,
        error_code: str,
        message: str | None = None,
        *,
        echo: Echo | None = "object",
        **scope: Any,
    ) -> None:
        """Answer the command with an ``err`` instead of processing it.

        ``echo`` is the form of ``incoming_message``: the command as an object, as text, or null.
        """
        self._on_command(command, intercept=effects.answer_error(error_code, message, echo), **scope)

    def rate_limit(
        self, command: str | None = None, *, retry_after: float | None = 0.25, **scope: Any
    ) -> None:
        """Answer the command with ``RateLimited``; without ``retry_after`` (seconds), the text has no hint."""
        hint = "" if retry_after is None else f", retry after {retry_after * 1000:.0f}ms"
        self.error_reply(command, "RateLimited", f"rate limit exceeded{hint}", **scope)

    def reject_auth(self, times: int | None = 1) -> None:
        """Refuse authentication, even with valid credentials."""
        answer = self._runtime.gateway.dialect.authenticated(False)
        self._on_command("auth", intercept=effects.deny(answer), times=times)

    # ------------------------------------------------------------------ replies

    def drop_before_reply(self, command: str | None = None, *, reset: bool = False, **scope: Any) -> None:
        """Process the command, and cut its connection before anything that follows from it is sent there."""
        self._on_command(command, transform=effects.cut(reset), **scope)

    def swallow_reply(self, command: str | None = None, **scope: Any) -> None:
        """Process the command and never send its reply; fills and other events are sent."""
        self._on_command(command, transform=effects.swallow, **scope)

    def hold_reply(self, command: str | None = None, **scope: Any) -> Held:
        """Process the command and hold back its reply until the returned object is released."""
        held = Held(self._call)
        self._on_command(command, transform=held.hold, **scope)
        return held

    # The following faults strike the reply to a command. Without a command they strike single messages, if ``kind`` is
    # given only those with that top-level key.

    def delay(self, seconds: float, command: str | None = None, **scope: Any) -> None:
        """Send after a delay in real time, without delaying later messages."""
        self._on_frames(command, effects.postpone(seconds), **scope)

    def reorder(self, command: str, **scope: Any) -> None:
        """Send the messages of a command's reply in reverse order."""
        self._on_frames(command, effects.reverse, **scope)

    def duplicate(self, command: str | None = None, **scope: Any) -> None:
        """Send each message twice."""
        self._on_frames(command, effects.duplicate, **scope)

    def garble(self, command: str | None = None, **scope: Any) -> None:
        """Send text that is not JSON."""
        self._on_frames(command, effects.garble, **scope)

    def truncate(self, command: str | None = None, **scope: Any) -> None:
        """Send the first half of the JSON, in a complete WebSocket frame."""
        self._on_frames(command, effects.truncate, **scope)

    def swallow_frame(self, kind: str | None = None, **scope: Any) -> None:
        """Never send a message with that top-level key."""
        self._on_frames(None, effects.swallow, kind=kind, **scope)

    def inject(self, message: dict[str, Any] | str, *, connection: int | None = None) -> None:
        """Send an arbitrary message, an object or any text, on all trade connections (or one)."""
        data = message.encode() if isinstance(message, str) else encode(message)
        self._each(connection, lambda one: one.write([OutboundMessage("", data)]))

    def clear(self) -> None:
        """Disarm all faults, and let silent connections send and stopped ones read again."""

        def resume(one: Connection) -> None:
            one.socket.transport.release()
            one.socket.transport.continue_reading()

        self._do(self._plan.clear)
        self._each(None, resume)

    # ------------------------------------------------------------------ implementation

    def _on_command(
        self,
        command: str | None,
        *,
        intercept: Interception | None = None,
        transform: Transform | None = None,
        when: Predicate | None = None,
        connection: ConnectionChoice = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        def arm() -> None:
            number = self._number(connection)
            self._plan.commands.append(CommandRule(command, when, number, times, skip, intercept, transform))

        self._do(arm)

    def _on_frames(
        self,
        command: str | None,
        transform: Transform,
        *,
        kind: str | None = None,
        when: Predicate | None = None,
        connection: ConnectionChoice = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        if command is not None:
            scope: dict[str, Any] = {"when": when, "connection": connection, "times": times, "skip": skip}
            self._on_command(command, transform=transform, **scope)
            return

        def arm() -> None:
            number = self._number(connection)
            self._plan.frames.append(FrameRule(kind, when, number, times, skip, transform))

        self._do(arm)

    def _number(self, connection: ConnectionChoice) -> int | None:
        return self._runtime.gateway.next_number if connection == "next" else connection

    def _each(self, connection: int | None, action: Callable[[Connection], Any]) -> int:
        """Run an action for all trade connections, or for one; return their number."""

        def act() -> int:
            every = list(self._server.connections.values())
            chosen = [one for one in every if connection in (None, one.session.id)]
            for one in chosen:
                action(one)
            return len(chosen)

        return self._do(act)

    def _do(self, action: Callable[[], Result]) -> Result:
        result: Result = self._call(action)
        return result


def _positive(count: int) -> int:
    if count < 1:
        raise ValueError(f"a count must be at least 1, not {count}")
    return count
