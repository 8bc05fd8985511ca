"""Event buffers: which events are kept, replaced or dropped, and in which order they are read."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from qfex import MarketChannel
from qfex.protocol.events import Event, Policy
from qfex.session.events import EventBuffer

KEPT, CONFLATED, DROPPED = MarketChannel.ERRORS, MarketChannel.MARK_PRICE, MarketChannel.TRADE
POLICIES = {KEPT: Policy.KEEP, CONFLATED: Policy.CONFLATE, DROPPED: Policy.DROP_OLDEST}


def buffer(limit: int = 100) -> EventBuffer:
    return EventBuffer(lambda channel: POLICIES[channel], limit)  # type: ignore[index]


def event(channel: MarketChannel, value: int, key: str = "AAPL-USD") -> Event:
    return Event(channel, key, value)


def values(events: Sequence[Event]) -> list[int]:
    return [each.value for each in events]


def test_events_put_together_come_out_in_order_alone_or_together() -> None:
    queue = buffer()
    assert queue.put(event(KEPT, number) for number in range(5)) is None
    first = queue.get()
    assert first is not None and first.value == 0
    assert values(queue.get_many(3)) == [1, 2, 3]
    assert values(queue.get_many(3)) == [4]


def test_the_first_event_without_room_is_given_back_and_the_rest_can_still_be_put() -> None:
    queue = buffer(limit=2)
    events = iter([event(KEPT, number) for number in range(5)])
    refused = queue.put(events)
    assert refused is not None and refused.value == 2
    queue.force(refused)
    assert queue.get_many(10) and queue.put(events) is None
    assert values(queue.get_many(10)) == [3, 4]


def test_a_replaceable_event_is_never_taken_ahead_of_its_turn() -> None:
    queue = buffer()
    queue.put(iter([event(KEPT, 1), event(CONFLATED, 2), event(KEPT, 3)]))
    assert values(queue.get_many(10)) == [1]
    queue.put(iter([event(CONFLATED, 4), event(CONFLATED, 5, key="GOOG-USD")]))
    assert values(queue.get_many(10)) == [4]
    assert values(queue.get_many(10)) == [3]
    assert values(queue.get_many(10)) == [5]
    assert queue.conflated == 1


def test_the_oldest_droppable_event_makes_room() -> None:
    queue = buffer(limit=3)
    queue.put(iter([event(KEPT, 1), event(DROPPED, 2), event(DROPPED, 3), event(DROPPED, 4)]))
    assert values(queue.get_many(10)) == [1, 3, 4]
    assert queue.dropped == 1


def test_a_waiting_consumer_is_woken_by_events_and_by_the_end() -> None:
    queue = buffer()
    taken: list[Sequence[Event]] = []

    def consume() -> None:
        while events := queue.get_many(10):
            taken.append(events)

    consumer = threading.Thread(target=consume, daemon=True)
    consumer.start()
    queue.put(iter([event(KEPT, 1)]))
    queue.close()
    consumer.join(5)
    assert not consumer.is_alive() and values(taken[0]) == [1]
    assert queue.put(iter([event(KEPT, 2)])) is None and len(queue) == 0
