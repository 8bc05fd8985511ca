"""The pure side of one connection to the market data gateway: subscriptions, sequence numbers, newest values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from ...enums import MarketChannel, OpenEnum
from ...errors import QfexError
from ...models.connection import ErrorEvent
from ...models.market import Candle
from ..command import Command
from ..connection import Answer, Endpoint, Procedure, ProtocolConnection, Step
from ..events import Event, Policy
from ..wire.failures import Failure, Undecodable, api_error
from .commands import SPECS, MarketSubscribe, MarketUnsubscribe, Topic
from .messages import MarketMessage, SubscriptionAck, decode
from .reconcile import Reconciler
from .requests import MarketRequestTable
from .state import TOPIC_OF, MarketState

log = logging.getLogger("qfex")

_FAR_AHEAD = timedelta(days=1)  # of this machine's clock, which may be wrong too


class MarketEndpoint(Endpoint):
    """The market data gateway, and the state of the markets.

    Parameters
    ----------
    url : str
        The market data gateway.
    now : callable
        The wall clock, in unix seconds.
    """

    errors = MarketChannel.ERRORS
    connection = MarketChannel.CONNECTION
    specs = SPECS

    def __init__(self, url: str, now: Callable[[], float]) -> None:
        self._url = url
        self.markets = MarketState(now)

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


class ClockCheck:
    """Finds the first time that is so far in the future that it must be wrong."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._limit = self._next_limit()
        self._has_found = False

    def is_wrong(self, moment: datetime) -> bool:
        """Whether a time is the first one that must be wrong."""
        if self._has_found or moment <= self._limit:
            return False
        self._limit = self._next_limit()
        self._has_found = moment > self._limit
        return self._has_found

    def _next_limit(self) -> datetime:
        return datetime.fromtimestamp(self._now(), timezone.utc) + _FAR_AHEAD


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
        self._reconciler = Reconciler(markets.subscriptions, clock)
        self._sequence = SequenceCheck()
        self._clock_check = ClockCheck(markets.now)
        self._problems: list[Event] = []

    # --- procedures --------------------------------------------------------------------------------------------

    def login(self, clock_skew: Callable[[], float | None]) -> Procedure:
        """Begin to restore the wanted streams; nobody has to wait until that is done."""
        self.markets.begin_connection(self.table)
        self._begin_work()
        yield from ()

    def resync(self) -> Procedure:
        """Do nothing: every stream begins with its newest value."""
        yield from ()

    def release(self) -> Sequence[Event]:
        """What procedures found since the last time."""
        found, self._problems = self._problems, []
        return found

    def teardown(self) -> Sequence[Command]:
        """Do nothing: the exchange keeps nothing for a connection."""
        return ()

    @property
    def has_work(self) -> bool:
        """Whether `work` may have something to do."""
        return super().has_work or self._reconciler.next_look <= self.clock()

    def _begin_work(self) -> None:
        for command, patience in self._reconciler.commands():
            is_end = isinstance(command, MarketUnsubscribe)
            self.start(self._unsubscribe(command) if is_end else self._subscribe(command), patience)

    def _found(self) -> list[Event]:
        return list(self.release())

    def _subscribe(self, command: MarketSubscribe) -> Procedure:
        error = None
        try:
            yield [command]
        except QfexError as failed:
            error = failed
        self.markets.lose(self.markets.subscriptions.missing(command.topics))
        lost = self._reconciler.failed(command, error)
        if lost:
            message = f"{_described(lost)}: {error or 'not confirmed'}; it is tried again"
            log.warning("subscription lost: %s", message)
            self._problems.append(_error_event("subscription", message, error=error))

    @staticmethod
    def _unsubscribe(command: MarketSubscribe) -> Procedure:
        with suppress(QfexError):  # if its messages go on to come, it is tried again
            yield [command]

    # --- messages ----------------------------------------------------------------------------------------------

    _decode = staticmethod(decode)

    def _apply(self, message: MarketMessage, answered: Sequence[Answer]) -> Iterable[Event]:
        topic_of = TOPIC_OF.get(type(message))
        if topic_of is not None:
            return self._data(topic_of(message), message)
        if isinstance(message, SubscriptionAck):
            self._acknowledgement(message, answered)
        elif isinstance(message, Failure) and not answered:
            error = api_error(message)
            return (_error_event("exchange", str(error), str(message.echo or ""), error),)
        elif isinstance(message, Undecodable):
            return (_error_event("undecodable", message.reason, message.text),)
        return ()

    def _data(self, topic: Topic, message: Any) -> list[Event]:
        events: list[Event] = []
        if message.sequence is not None:
            self._check_sequence(message.sequence, events)
        moment = message.start if isinstance(message, Candle) else message.time
        if moment is not None and self._clock_check.is_wrong(moment):
            log.warning("a market data message has the time %s", moment)
            events.append(_error_event("implausible time", f"{_described([topic])} has the time {moment}"))
        # What was under way when a stream was unsubscribed must not be taken for the newest value later.
        if not self.markets.subscriptions.accepts(topic):
            self._reconciler.note_unwanted(topic)
        elif self.markets.store(topic, message):
            events.append(Event(topic.channel, _conflation_key(topic, message), message))
        return events

    def _check_sequence(self, sequence: int, events: list[Event]) -> None:
        missing = self._sequence.missing_before(sequence)
        if missing:
            self.markets.sequence_gaps += 1
            log.warning("%d market data messages are missing before number %d", missing, sequence)
            events.append(_error_event("sequence gap", f"{missing} missing before number {sequence}"))

    def _acknowledgement(self, ack: SubscriptionAck, answered: Sequence[Answer]) -> None:
        # Noted here and not by the caller, whose thread may run only after the connection was lost and restored.
        subscriptions = self.markets.subscriptions
        for request, _ in answered:
            topics, by_user = [*filter(ack.covers, request.command.topics)], not isinstance(request, Step)
            if ack.subscribed:
                self._confirmed(topics, by_user)
            elif by_user:
                self.markets.end(topics)
            else:
                subscriptions.revoke(topics)
        if not answered and not ack.subscribed:  # ended by the exchange
            subscriptions.revoke(filter(ack.covers, subscriptions.in_force))
        self._reconciler.look()

    def _confirmed(self, topics: list[Topic], by_user: bool) -> None:
        wanted = self.markets.subscriptions.wanted
        if by_user:
            wanted.update(dict.fromkeys(topics))
        for topic in topics:
            if topic not in wanted:  # unsubscribed since, by a message that was sent earlier
                self._reconciler.end(topic)
        topics = [topic for topic in topics if topic in wanted]
        self.markets.confirm(topics)
        restored = self._reconciler.succeeded(topics)
        if restored:
            log.info("subscription restored: %s", _described(restored))


def unconfirmed(command: MarketSubscribe, ack: SubscriptionAck) -> list[str]:
    """Symbols that an acknowledgement leaves out."""
    return [topic.symbol for topic in command.topics if not ack.covers(topic)]


def _described(topics: Sequence[Topic]) -> str:
    first = topics[0]
    option = "" if first.option is None else f" {first.option}"
    return f"{first.channel}{option} of {', '.join(topic.symbol for topic in topics)}"


def _conflation_key(topic: Topic, message: Any) -> Hashable:
    # A finished candle is not replaced by the next one.
    return (topic, message.start) if isinstance(message, Candle) else topic


def _error_event(kind: str, message: str, text: str = "", error: BaseException | None = None) -> Event:
    return Event(MarketChannel.ERRORS, None, ErrorEvent(kind, message, text, error))
