"""The pure side of one connection to the market data gateway: subscriptions, sequence numbers, newest values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from ...enums import MarketChannel, OpenEnum
from ...errors import QfexError
from ...models.connection import ErrorEvent
from ...models.market import Candle
from ..connection import Answer, Endpoint, ProtocolConnection
from ..events import Event, Policy
from ..procedure import Procedure
from ..wire.command import Command
from ..wire.failures import Failure, Undecodable, api_error
from .commands import SPECS, MarketSubscribe, Topic, subscriptions
from .messages import MarketMessage, SubscriptionAck, decode
from .requests import MarketRequestTable
from .state import TOPIC_OF, MarketState

log = logging.getLogger("qfex")


class MarketEndpoint(Endpoint):
    """The market data gateway, and the state of the markets.

    Parameters
    ----------
    url : str
        The market data gateway.
    """

    errors = MarketChannel.ERRORS
    connection = MarketChannel.CONNECTION
    specs = SPECS

    def __init__(self, url: str) -> None:
        self._url = url
        self.markets = MarketState()

    def address(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next connection."""
        return self._url, {}

    def new_connection(
        self, clock: Callable[[], float], may_send: Callable[[Command], bool] = lambda command: True
    ) -> MarketConnection:
        """The pure side of a new connection."""
        return MarketConnection(self.markets, clock, may_send)

    def policy_of(self, channel: OpenEnum) -> Policy:
        """Conflate snapshots, drop the oldest trades, keep errors and changes of the connection."""
        if channel in (MarketChannel.ERRORS, MarketChannel.CONNECTION):
            return Policy.KEEP
        return Policy.DROP_OLDEST if channel is MarketChannel.TRADE else Policy.CONFLATE


class SequenceCheck:
    """Finds gaps in the numbers that the exchange gives the messages of one connection, all streams together."""

    def __init__(self) -> None:
        self._highest: int | None = None

    def missing_before(self, sequence: int) -> int:
        """How many messages are missing between the highest number so far and this one."""
        highest = self._highest
        if highest is None or sequence > highest:
            self._highest = sequence
        return 0 if highest is None else max(0, sequence - highest - 1)


class MarketConnection(ProtocolConnection):
    """One connection to the market data gateway."""

    errors = MarketChannel.ERRORS
    table: MarketRequestTable

    def __init__(
        self, markets: MarketState, clock: Callable[[], float], may_send: Callable[[Command], bool]
    ) -> None:
        super().__init__(clock, may_send)
        self.markets = markets
        self.table = MarketRequestTable(clock)
        self._sequence = SequenceCheck()
        self._held: list[Event] = []

    # --- procedures --------------------------------------------------------------------------------------------

    def login(self, clock_skew: Callable[[], float | None]) -> Procedure:
        """Forget the values of the last connection, which are stale, and subscribe every wanted stream again."""
        self.markets.forget_values()
        commands = list(subscriptions(self.markets.wanted))
        if not commands:
            return
        try:
            acks = yield commands
        except QfexError as error:
            self._hold("recovery", f"a subscription could not be restored: {error}", error=error)
            return
        for command, ack in zip(commands, acks, strict=True):
            refused = unconfirmed(command, ack)
            if refused:
                self._hold("recovery", f"not restored: {command.channel} of {', '.join(refused)}")

    def resync(self) -> Procedure:
        """Do nothing: every stream begins with its newest value."""
        yield from ()

    def release(self) -> Sequence[Event]:
        """What went wrong while the connection was restored."""
        held, self._held = self._held, []
        return held

    def teardown(self) -> Sequence[Command]:
        """Do nothing: the exchange keeps nothing for a connection."""
        return ()

    def _hold(self, kind: str, message: str, error: BaseException | None = None) -> None:
        log.warning("%s: %s", kind, message)
        self._held.append(_error_event(kind, message, error=error))

    # --- messages ----------------------------------------------------------------------------------------------

    _decode = staticmethod(decode)

    def _apply(self, message: MarketMessage, answered: Sequence[Answer]) -> Iterable[Event]:
        events = list(self.release())
        topic_of = TOPIC_OF.get(type(message))
        if topic_of is not None:
            self._check_sequence(message, events)
            topic = topic_of(message)
            if self.markets.store(topic, message):
                events.append(Event(topic.channel, _conflation_key(topic, message), message))
        elif isinstance(message, Failure) and not answered:
            error = api_error(message)
            events.append(_error_event("exchange", str(error), str(message.echo or ""), error))
        elif isinstance(message, Undecodable):
            events.append(_error_event("undecodable", message.reason, message.text))
        return events

    def _check_sequence(self, message: Any, events: list[Event]) -> None:
        if message.sequence is None:
            return
        missing = self._sequence.missing_before(message.sequence)
        if missing:
            self.markets.sequence_gaps += 1
            log.warning("%d market data messages are missing before number %d", missing, message.sequence)
            events.append(_error_event("sequence gap", f"{missing} missing before number {message.sequence}"))


def unconfirmed(command: MarketSubscribe, ack: SubscriptionAck) -> list[str]:
    """Symbols that an acknowledgement leaves out; one without symbols confirms all."""
    return [symbol for symbol in command.symbols if ack.symbols and symbol not in ack.symbols]


def _conflation_key(topic: Topic, message: Any) -> Hashable:
    # A finished candle is not replaced by the next one.
    return (topic, message.start) if isinstance(message, Candle) else topic


def _error_event(kind: str, message: str, text: str = "", error: BaseException | None = None) -> Event:
    return Event(MarketChannel.ERRORS, None, ErrorEvent(kind, message, text, error))
