"""The commands in flight on one connection to the market data gateway, and which of them a message answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..request import Request
from ..wire.command import Command
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
        for request in self.filed:
            if isinstance(message, Failure):
                if isinstance(message.echo, dict) and echoes(request.command, message.echo):
                    self.remove(request)
                    return [(request, api_error(message))]
            elif isinstance(message, SubscriptionAck) and _acknowledges(message, request.command):
                self.remove(request)
                return [(request, message)]
        return ()


def _acknowledges(ack: SubscriptionAck, command: Any) -> bool:
    if ack.subscribed is isinstance(command, MarketUnsubscribe):
        return False
    return command.channel.value in ack.channels and set(ack.symbols) <= set(command.symbols)
