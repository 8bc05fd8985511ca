"""`Simulator.faults`: what a test calls, from any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ...gateway.session import Frame
from ...gateway.wire import encode
from . import effects
from .countdown import Countdown
from .effects import Echo
from .rules import CommandRule, FrameRule, Interception, Predicate, Transform

if TYPE_CHECKING:
    from ..runtime import Runtime
    from ..trade import Connection, TradeServer
    from .plan import FaultPlan

Direction = Literal["in", "out"]
Chosen = int | Literal["next"] | None
Result = TypeVar("Result")
Call = Callable[[Callable[[], Any]], Any]


class Held:
    """Replies that are kept back until a test lets them go. Returned by `Faults.hold_reply`."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._kept: list[tuple[Connection, list[Frame]]] = []

    @property
    def count(self) -> int:
        """How many frames are kept back."""
        return sum(len(frames) for _, frames in self._kept)

    def release(self) -> None:
        """Send what was kept back."""
        self._call(self._send)

    def keep(self, connection: Connection, frames: list[Frame]) -> list[Frame]:
        """Keep frames back: the fault's effect."""
        self._kept.append((connection, frames))
        return []

    def _send(self) -> None:
        kept, self._kept = self._kept, []
        for connection, frames in kept:
            connection.write(frames)


class Faults:
    """Makes things go wrong on the trade socket.

    Every method may be called from any thread and has taken effect when it returns. Directions are the
    server's: "in" is from the client.

    A command or frame suffers one fault: the one armed first of those that fit it.

    Faults of commands and replies take a scope: ``times`` says how often the fault strikes (default once,
    None: until `clear`), ``skip`` how many it spares before, ``connection`` narrows it to one connection (an
    ``id`` of `Simulator.connections`, or "next"), ``when`` to messages for which it is true: the decoded
    command, or the frame where a fault is about frames.
    """

    def __init__(self, call: Call, server: TradeServer, plan: FaultPlan, runtime: Runtime) -> None:
        self._call = call
        self._server = server
        self._plan = plan
        self._runtime = runtime

    # ------------------------------------------------------------------ the line

    def drop_now(self, *, connection: int | None = None, reset: bool = False) -> int:
        """Cut all trade connections (or one) without a close frame; return how many."""

        def cut(one: Connection) -> None:
            one.cut(reset=reset)
            self._server.end(one)

        return self._each(connection, cut)

    def drop_after(
        self,
        *,
        frames: int,
        direction: Direction = "in",
        connection: Chosen = None,
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

        Every byte counts, those of the upgrade and of control frames too.
        """
        countdown = Countdown(_positive(count), reset)
        self._do(lambda: self._plan.byte_countdown.__setitem__(direction, countdown))

    def close_with(self, code: int, reason: str = "", *, connection: int | None = None) -> None:
        """Close trade connections with a close frame of this code."""

        self._each(connection, lambda one: one.line.close(code, reason))

    def stop_reading(self, *, connection: int | None = None) -> None:
        """Take nothing more from the sockets: the client's writes fill the buffers and then block."""
        self._each(connection, lambda one: one.line.transport.stop_reading())

    def resume_reading(self, *, connection: int | None = None) -> None:
        """Read on after `stop_reading`."""
        self._each(connection, lambda one: one.line.transport.read_on())

    def go_silent(self, *, connection: int | None = None) -> None:
        """Send nothing more, pongs included, while commands are still processed: a half-open line."""
        self._each(connection, lambda one: one.line.transport.hold())

    def speak(self, *, connection: int | None = None) -> None:
        """Send what `go_silent` held back, and go on as usual."""
        self._each(connection, lambda one: one.line.transport.release())

    def refuse_connections(self, times: int | None = None) -> None:
        """Reset the next connections before their upgrade is answered; None: until `accept_connections`."""
        self._do(lambda: setattr(self._plan, "refusals", times))

    def accept_connections(self) -> None:
        """End `refuse_connections`."""
        self._do(lambda: setattr(self._plan, "refusals", 0))

    def stall_connections(self, times: int | None = None) -> None:
        """Leave the upgrade of the next connections unanswered until `clear`; None: of all."""
        self._do(lambda: setattr(self._plan, "stalls", times))

    # ------------------------------------------------------------------ commands

    def drop_before_command(self, command: str | None = None, *, reset: bool = False, **scope: Any) -> None:
        """Cut the line when the command arrives, without processing it."""
        self._on_command(command, intercept=effects.cut_before(reset), **scope)

    def swallow_command(self, command: str | None = None, **scope: Any) -> None:
        """Neither process the command nor say anything."""
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

        ``echo`` says what stands in ``incoming_message``: the command as an object, as its text, or null.
        """
        self._on_command(command, intercept=effects.answer_error(error_code, message, echo), **scope)

    def rate_limit(
        self, command: str | None = None, *, retry_after: float | None = 0.25, **scope: Any
    ) -> None:
        """Answer the command with ``RateLimited``; without ``retry_after`` (seconds) the text has no hint."""
        hint = "" if retry_after is None else f", retry after {retry_after * 1000:.0f}ms"
        self.error_reply(command, "RateLimited", f"rate limit exceeded{hint}", **scope)

    def reject_auth(self, times: int | None = 1) -> None:
        """Refuse authentication, whatever the credentials."""
        answer = self._runtime.gateway.dialect.authenticated(False)
        self._on_command("auth", intercept=effects.deny(answer), times=times)

    # ------------------------------------------------------------------ replies

    def drop_before_reply(self, command: str | None = None, *, reset: bool = False, **scope: Any) -> None:
        """Process the command and cut its line before anything that follows from it is sent there."""
        self._on_command(command, transform=effects.cut(reset), **scope)

    def swallow_reply(self, command: str | None = None, **scope: Any) -> None:
        """Process the command and never send its reply; fills and other streams go out."""
        self._on_command(command, transform=effects.swallow, **scope)

    def hold_reply(self, command: str | None = None, **scope: Any) -> Held:
        """Process the command and keep its reply back until the returned object is released."""
        held = Held(self._call)
        self._on_command(command, transform=held.keep, **scope)
        return held

    # Each of the following is about the reply to a command, or, without one, about single frames: of the
    # top-level key ``kind``, if that is given.

    def delay(self, seconds: float, command: str | None = None, **scope: Any) -> None:
        """Send late, by real time, without holding up what follows."""
        self._on_frames(command, effects.postpone(seconds), **scope)

    def reorder(self, command: str, **scope: Any) -> None:
        """Send the frames of a command's reply last to first."""
        self._on_frames(command, effects.reverse, **scope)

    def duplicate(self, command: str | None = None, **scope: Any) -> None:
        """Send everything twice."""
        self._on_frames(command, effects.duplicate, **scope)

    def garble(self, command: str | None = None, **scope: Any) -> None:
        """Send text that is no JSON."""
        self._on_frames(command, effects.garble, **scope)

    def truncate(self, command: str | None = None, **scope: Any) -> None:
        """Send the first half of the JSON, in a WebSocket frame that is whole."""
        self._on_frames(command, effects.truncate, **scope)

    def swallow_frame(self, kind: str | None = None, **scope: Any) -> None:
        """Never send a frame of that top-level key."""
        self._on_frames(None, effects.swallow, kind=kind, **scope)

    def inject(self, message: dict[str, Any] | str, *, connection: int | None = None) -> None:
        """Send a message of the test's own, an object or any text, to the trade connections (or one)."""
        data = message.encode() if isinstance(message, str) else encode(message)
        self._each(connection, lambda one: one.write([Frame("", data)]))

    def clear(self) -> None:
        """Disarm everything, let silent lines speak and stopped ones read."""

        def calm(one: Connection) -> None:
            one.line.transport.release()
            one.line.transport.read_on()

        self._do(self._plan.clear)
        self._each(None, calm)

    # ------------------------------------------------------------------ how

    def _on_command(
        self,
        command: str | None,
        *,
        intercept: Interception | None = None,
        transform: Transform | None = None,
        when: Predicate | None = None,
        connection: Chosen = None,
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
        connection: Chosen = None,
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

    def _number(self, connection: Chosen) -> int | None:
        return self._runtime.gateway.next_number if connection == "next" else connection

    def _each(self, connection: int | None, action: Callable[[Connection], Any]) -> int:
        """Do something to all trade connections, or to one; return to how many."""

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
