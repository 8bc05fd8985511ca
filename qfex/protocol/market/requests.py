"""The commands in flight on one connection to the market data gateway, and which of them a message answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..command import Command, Request
from ..connection import Step
from ..wire.failures import Failure, api_error, echoes
from .commands import MarketUnsubscribe
from .messages import MarketMessage, SubscriptionAck


class MarketRequestTable:
    """The commands in flight on one connection.

    There are no request ids: an acknowledgement repeats what was asked for, as far as it was granted.

    Parameters
    ----------
    clock : callable
        Monotonic time in seconds.
    """

    #: Kinds of messages that may answer something.
    answering = frozenset({SubscriptionAck, Failure})

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.filed: dict[Request, None] = {}

    def __len__(self) -> int:
        return len(self.filed)

    def __iter__(self) -> Iterator[Request]:
        return iter(list(self.filed))

    def add(self, request: Request) -> None:
        """File a request, before its bytes leave."""
        request.filed, request.sent_at = True, self._clock()
        self.filed[request] = None

    def remove(self, request: Request) -> None:
        """Take a request out, answered or never sent."""
        request.filed = False
        self.filed.pop(request, None)

    def give_up(self, request: Request) -> None:
        """Forget a request that nobody waits for: a late acknowledgement of it does no harm."""
        request.given_up = True
        self.remove(request)

    def holder(self, command: Command) -> None:
        """No command of this gateway needs an exclusive key."""

    def answer(self, message: MarketMessage) -> Sequence[tuple[Request, Any]]:
        """The request that a message answers, taken out of the table, with its result or exception."""
        if isinstance(message, Failure):
            possible = [request for request in self.filed if _refuses(message, request.command)]
            outcome: Any = api_error(message)
        elif isinstance(message, SubscriptionAck):
            possible = [request for request in self.filed if _confirms(message, request.command)]
            # A request for just these symbols comes before one for these and others.
            possible.sort(key=lambda request: set(message.symbols) != set(_symbols(request)))
            outcome = message
        else:
            return ()
        if not possible:
            return ()
        # Of equal requests the exchange may have ignored an earlier one, and a procedure asks again by itself.
        alike = (request for request in possible if request.command == possible[0].command)
        request = min(alike, key=lambda request: isinstance(request, Step))
        self.remove(request)
        return [(request, outcome)]


def _symbols(request: Request) -> tuple[str, ...]:
    command: Any = request.command
    return tuple(command.symbols)


def _refuses(failure: Failure, command: Command) -> bool:
    return isinstance(failure.echo, dict) and echoes(command, failure.echo)


def _confirms(ack: SubscriptionAck, command: Any) -> bool:
    if ack.subscribed is isinstance(command, MarketUnsubscribe):
        return False
    return set(ack.symbols) <= set(command.symbols) and any(map(ack.covers, command.topics))
