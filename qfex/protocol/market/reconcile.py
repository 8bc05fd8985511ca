"""Bringing the subscriptions that are in force on a connection in line with those that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...errors import ApiError, QfexError, RateLimited, ServerError
from .commands import EVERY_SYMBOL, MarketSubscribe, MarketUnsubscribe, Topic, subscriptions
from .subscriptions import Subscriptions

#: Seconds to wait for the first answer about a subscription. The time doubles with each attempt, for a slow exchange.
FIRST_PATIENCE = 1.5
_LONGEST_PATIENCE = 12.0

_LONGEST_BACKOFF = 30.0  # seconds between attempts after an error that may pass, or silence
_REFUSAL_BACKOFF = 60.0  # seconds between attempts after a refusal; also the longest hint that is obeyed

_LOOK_INTERVAL = 0.25  # seconds after which to look again at a request in flight

#: Seconds for which messages of an unwanted stream may be the last ones under way, and between requests to end it.
_UNDER_WAY, _END_INTERVAL = 2.0, 10.0
_MOST_UNWANTED = 1000


class Retry(NamedTuple):
    """When a topic is to be subscribed again, after how many failures, and whether apart from others."""

    due: float = 0.0
    failures: int = 0
    alone: bool = False


class Reconciler:
    """Decides what is to be subscribed and unsubscribed on one connection, and when.

    Wanted topics are subscribed in few messages first, one for each channel and option. Where such a message fails, each of
    its topics is subscribed alone, so that one symbol harms no other. Where that fails too, it is tried again later.

    Parameters
    ----------
    subscriptions : Subscriptions
    clock : callable
        Monotonic time in seconds.

    Attributes
    ----------
    next_look : float
        When `commands` may have something to give, by the clock.
    """

    def __init__(self, subscriptions: Subscriptions, clock: Callable[[], float]) -> None:
        self._subscriptions = subscriptions
        self._clock = clock
        self._retries: dict[Topic, Retry] = {}
        self._unwanted: dict[Topic, Retry] = {}
        self._ending: dict[Topic, None] = {}
        self.next_look = float("inf")

    # --- what is to be sent ------------------------------------------------------------------------------------

    def look(self) -> None:
        """Note that what is wanted or in force has changed."""
        self.next_look = self._clock()

    def commands(self) -> Iterator[tuple[MarketSubscribe, float]]:
        """The commands that are due, each with the seconds to wait for its answer."""
        now, due = self._clock(), self._due()
        together = []
        for topic in due:
            if self._goes_alone(topic):
                patience = min(_LONGEST_PATIENCE, FIRST_PATIENCE * 2.0 ** self._retry(topic).failures)
                yield MarketSubscribe(topic.channel, (topic.symbol,), (topic.option,)), patience
            else:
                together.append(topic)
        for command in subscriptions(together):
            yield command, FIRST_PATIENCE
        ending, self._ending = self._ending, {}
        for command in subscriptions(ending, MarketUnsubscribe):
            yield command, _LONGEST_PATIENCE
        missing = self._subscriptions.missing(self._subscriptions.wanted)
        dues = (max(self._retry(topic).due, now + _LOOK_INTERVAL) for topic in missing)
        self.next_look = min(dues, default=float("inf"))

    def _due(self) -> list[Topic]:
        """Topics to subscribe now; while every symbol of a channel is asked for, single ones wait."""
        known, now = self._subscriptions, self._clock()
        due = {
            topic: None
            for topic in known.missing(known.wanted)
            if self._retry(topic).due <= now and not known.is_requested(topic, by_user=False)
        }
        return [topic for topic in due if topic.symbol == EVERY_SYMBOL or topic.of_every_symbol not in due]

    def _goes_alone(self, topic: Topic) -> bool:
        retry = self._retries.get(topic)
        return topic in self._subscriptions.lost if retry is None else retry.alone

    def _retry(self, topic: Topic) -> Retry:
        return self._retries.get(topic, Retry())

    # --- failures ----------------------------------------------------------------------------------------------

    def failed(self, command: MarketSubscribe, error: QfexError | None) -> list[Topic]:
        """Plan what to do about the topics that a command has not brought into force.

        Parameters
        ----------
        command : MarketSubscribe
        error : QfexError or None
            Why it failed; None if the exchange has confirmed other topics of it.

        Returns
        -------
        list of Topic
            Topics whose loss is to be reported.
        """
        known, splits = self._subscriptions, len(command.symbols) > 1
        missing = known.missing(command.topics)
        for topic in missing:
            self._retries[topic] = self._plan(self._retry(topic), error, splits)
        self.look()
        if splits:
            return []
        lost = [topic for topic in missing if topic not in known.lost]
        known.lost.update(dict.fromkeys(lost))
        return lost

    def _plan(self, retry: Retry, error: QfexError | None, splits: bool) -> Retry:
        now, failures = self._clock(), retry.failures + 1
        # Many messages at once do not help against a rate limit, unless it is meant for one of the topics.
        if isinstance(error, RateLimited):
            return Retry(now + delay_after(error, failures), failures, retry.alone or failures > 1)
        return Retry(now if splits else now + delay_after(error, failures), failures, alone=True)

    def succeeded(self, topics: Sequence[Topic]) -> list[Topic]:
        """Forget the failures of topics that are in force; those whose loss was reported."""
        lost = self._subscriptions.lost
        restored = [topic for topic in topics if topic in lost]
        for topic in topics:
            self._retries.pop(topic, None)
            lost.pop(topic, None)
        return restored

    # --- streams that nobody wants -----------------------------------------------------------------------------

    def note_unwanted(self, topic: Topic) -> None:
        """Note a message of a stream that is not subscribed; if such messages go on to come, the stream is ended.

        This happens after a command that was not answered in time, and yet was obeyed. If the end of the symbol changes
        nothing, every symbol may have been subscribed, so the two are tried in turn.
        """
        now = self._clock()
        if len(self._unwanted) >= _MOST_UNWANTED:
            return
        end = self._unwanted.setdefault(topic, Retry(now + _UNDER_WAY))
        if now >= end.due:
            self._unwanted[topic] = Retry(now + _END_INTERVAL, end.failures + 1)
            self.end(topic.of_every_symbol if end.failures % 2 else topic)

    def end(self, topic: Topic) -> None:
        """Plan to unsubscribe a topic that the exchange has subscribed and that is not wanted."""
        self._ending[topic] = None
        self.look()


def delay_after(error: QfexError | None, failures: int) -> float:
    """Seconds to wait before a subscription is tried again after some failures, the last with an error."""
    if isinstance(error, ApiError) and not isinstance(error, (RateLimited, ServerError)):
        return _REFUSAL_BACKOFF
    backoff = min(_LONGEST_BACKOFF, 2.0 ** min(failures - 1, 30))
    hint = error.retry_after if isinstance(error, RateLimited) else None
    if hint is None:
        return backoff
    return min(_REFUSAL_BACKOFF, hint if failures == 1 else max(hint, backoff))
