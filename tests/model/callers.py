"""Threads that make other calls than orders: subscriptions, cancel-on-disconnect, REST, a client that comes late."""

from __future__ import annotations

import random
import threading
from time import monotonic

from qfex import Channel, QfexError, RestClient

from .participant import CHANNELS, Call, Participant, Wish

_LATE_JOIN = (0.2, 0.8)  # seconds


class Subscriber:
    """A thread that subscribes and unsubscribes channels, and arms and disarms cancel-on-disconnect."""

    def __init__(self, participant: Participant, seed: str) -> None:
        self._self = participant
        self._random = random.Random(seed)

    def run(self, stop: threading.Event) -> None:
        """Make calls until the end."""
        while not stop.wait(self._random.expovariate(4.0)):
            channel, wanted = self._random.choice(CHANNELS), self._random.random() < 0.6
            if self._self.venue.options.disturbances.toggled:
                self.toggle(channel, wanted)
            if self._self.venue.options.disturbances.armed:
                self.arm(wanted)

    def toggle(self, channel: Channel, wanted: bool) -> None:
        """Subscribe a channel, or unsubscribe it."""
        client, wishes = self._self.client, self._self.wishes[channel]
        call = Call(self._self.name, "subscribe" if wanted else "unsubscribe", channel.value, {})
        changes = not wishes or wishes[-1].wanted is not wanted
        if changes:
            wishes.append(Wish(None, call.begun))
        work = client.subscribe if wanted else client.unsubscribe
        outcome = self._self.record(call, lambda: work(channel))
        if changes and not isinstance(outcome, Exception):
            wishes.append(Wish(wanted, call.ended))

    def arm(self, wanted: bool) -> None:
        """Arm cancel-on-disconnect, or disarm it."""
        participant = self._self
        participant.armed = None
        call = Call(participant.name, "arm" if wanted else "disarm", "", {})
        outcome = participant.record(call, lambda: participant.client.set_cancel_on_disconnect(wanted))
        if not isinstance(outcome, Exception):
            participant.armed = wanted


class LateComer:
    """A thread that connects another client while everything is disturbed."""

    def __init__(self, participant: Participant, seed: str) -> None:
        self._self = participant
        self._random = random.Random(seed)

    def run(self, stop: threading.Event) -> None:
        """Connect, and try again until it succeeds."""
        stop.wait(self._random.uniform(*_LATE_JOIN))
        until = monotonic() + 10.0
        while monotonic() < until:
            try:
                self._self.connect()
                return
            except QfexError:
                threading.Event().wait(0.05)
        raise AssertionError("the client could not connect")


class RestReader:
    """A thread that reads the account's trades page by page over REST, while they grow."""

    def __init__(self, participant: Participant, seed: str) -> None:
        self._self = participant
        self._random = random.Random(seed)

    def run(self, stop: threading.Event) -> None:
        """Read until the end."""
        venue = self._self.venue
        with RestClient(venue.environment("rest"), venue.credentials("rest"), timeout=2.0) as rest:
            while not stop.wait(self._random.expovariate(2.0)):
                size = self._random.choice((3, 10, 50)) if venue.options.disturbances.paged else 1000
                call = Call(self._self.name, "rest trades", "", {})
                self._self.record(call, lambda size=size: list(rest.iter_user_trades(page_size=size)))  # type: ignore[misc]
