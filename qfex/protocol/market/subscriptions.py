"""Which streams a client wants, and which of them the exchange has confirmed."""

from __future__ import annotations

from collections.abc import Iterable

from ...enums import MarketChannel
from ..command import Request
from ..connection import Step
from .commands import EVERY_SYMBOL, MarketSubscribe, Topic


class Subscriptions:
    """The streams of one client. It outlives the connections.

    A stream is wanted on every connection, from the first confirmation that the user gets until the user ends it. It is in
    force once the exchange has confirmed it on the present connection. While every symbol of a channel is in force, so is
    each single one.

    Attributes
    ----------
    wanted, in_force : dict
        Their keys are the topics.
    lost : dict
        Wanted topics whose loss was reported, until they are in force again.
    """

    def __init__(self) -> None:
        self.wanted: dict[Topic, None] = {}
        self.in_force: dict[Topic, None] = {}
        self.lost: dict[Topic, None] = {}
        self._requests: Iterable[Request] = ()

    def begin_connection(self, requests: Iterable[Request]) -> None:
        """Note that nothing is in force on a new connection, whose requests in flight are `requests`."""
        self.in_force = {}
        self._requests = requests

    # --- questions ---------------------------------------------------------------------------------------------

    def is_in_force(self, topic: Topic) -> bool:
        """Whether the exchange has confirmed a topic on this connection, by itself or with every symbol."""
        return topic in self.in_force or topic.of_every_symbol in self.in_force

    def is_requested(self, topic: Topic, *, by_user: bool = True) -> bool:
        """Whether a subscription of a topic waits for its answer on this connection.

        Parameters
        ----------
        topic : Topic
        by_user : bool
            Whether the requests of users count, besides those of procedures.
        """
        return any(
            _subscribes(request, topic) for request in self._requests if by_user or isinstance(request, Step)
        )

    def accepts(self, topic: Topic) -> bool:
        """Whether a message of a topic concerns the user: it is subscribed, or is going to be."""
        if self.is_in_force(topic) or self._is_wanted(topic) or self.is_requested(topic):
            return True
        # The statistics of one symbol come under the name of all.
        return topic.channel is MarketChannel.MARKET_STATS and any(
            each.channel is topic.channel for each in self.wanted
        )

    def missing(self, topics: Iterable[Topic]) -> list[Topic]:
        """Those of some topics that are wanted and not in force."""
        return [topic for topic in topics if topic in self.wanted and not self.is_in_force(topic)]

    # --- changes -----------------------------------------------------------------------------------------------

    def want(self, topics: Iterable[Topic]) -> list[Topic]:
        """Want what is in force already; give the others, which have to be subscribed first."""
        listed = list(dict.fromkeys(topics))
        self.wanted.update(dict.fromkeys(topic for topic in listed if self.is_in_force(topic)))
        return [topic for topic in listed if not self.is_in_force(topic)]

    def leave(self, topics: Iterable[Topic]) -> list[Topic]:
        """Stop wanting what ends without a message; give the others, which have to be unsubscribed.

        A symbol goes on while every symbol of its channel is wanted, so the exchange must not be asked to end it. A
        subscription that the exchange has not confirmed has no end to ask for.
        """
        ending = []
        for topic in topics:
            if self._is_covered(topic) or self._is_unconfirmed(topic):
                self._forget(topic)
            else:
                ending.append(topic)
        return ending

    def confirm(self, topic: Topic) -> None:
        """Note that the exchange has confirmed a topic."""
        self.in_force[topic] = None

    def revoke(self, topics: Iterable[Topic]) -> None:
        """Note that topics are not in force any more; those that are wanted are to be subscribed again.

        What the end of every symbol does to a single one is not known, so single ones have to be confirmed again.
        """
        revoked = set(topics)
        for each in list(self.in_force):
            if each in revoked or each.of_every_symbol in revoked:
                del self.in_force[each]

    def end(self, topics: Iterable[Topic]) -> None:
        """Note that topics are neither wanted nor in force any more."""
        ended = list(topics)
        for topic in ended:
            self._forget(topic)
        self.revoke(ended)

    def _forget(self, topic: Topic) -> None:
        self.wanted.pop(topic, None)
        self.lost.pop(topic, None)

    def _is_wanted(self, topic: Topic) -> bool:
        return topic in self.wanted or topic.of_every_symbol in self.wanted

    def _is_covered(self, topic: Topic) -> bool:
        return topic.symbol != EVERY_SYMBOL and topic.of_every_symbol in self.wanted

    def _is_unconfirmed(self, topic: Topic) -> bool:
        return topic in self.wanted and not self.is_in_force(topic) and not self.is_requested(topic)


def _subscribes(request: Request, topic: Topic) -> bool:
    """Whether a request in flight subscribes a topic, by itself or with every symbol."""
    command = request.command
    return (
        type(command) is MarketSubscribe
        and command.channel is topic.channel
        and topic.option in command.options
        and (topic.symbol in command.symbols or EVERY_SYMBOL in command.symbols)
    )
