"""Each event of a stream reaches one reader, and each reader ends after the close."""

from __future__ import annotations

from typing import Any

from qfex import Channel
from tests.interleavings.support import Event, Latch, Policy, Stream, StreamHub, explore


class Streaming:
    """A stream with two readers.

    Attributes
    ----------
    got : list of list
        What each reader took before the stream ended for it.
    """

    def __init__(self) -> None:
        self.hub = StreamHub()
        self.stream = self.open()
        self.got: list[list[int]] = []

    def open(self) -> Stream[Any]:
        queue = self.hub.open(frozenset({Channel.FILLS}), lambda channel: Policy.KEEP, 10)
        return Stream(self.hub, queue, self)

    def read(self) -> None:
        self.got.append(list(self.stream))

    def publish(self) -> None:
        for value in (1, 2):
            for queue in self.hub.opened:
                queue.offer([Event(Channel.FILLS, None, value)])

    def publish_and_close(self) -> None:
        self.publish()
        self.hub.close()


def test_each_event_reaches_one_of_two_readers_and_both_end_after_the_close() -> None:
    def invariant(streaming: Streaming) -> bool:
        return len(streaming.got) == 2 and sorted(sum(streaming.got, [])) == [1, 2]

    explore(
        Streaming, [Streaming.read, Streaming.read, Streaming.publish_and_close], invariant
    ).assert_holds()


def test_a_reader_gets_the_first_events_in_order_and_ends_when_the_client_closes_meanwhile() -> None:
    def close(streaming: Streaming) -> None:
        streaming.hub.close()

    def invariant(streaming: Streaming) -> bool:
        return streaming.got in ([[]], [[1]], [[1, 2]])

    explore(Streaming, [Streaming.read, Streaming.publish, close], invariant).assert_holds()


def test_two_streams_that_are_opened_and_closed_at_once_lose_neither_the_other() -> None:
    def open_and_close(streaming: Streaming) -> None:
        streaming.open()
        streaming.stream.close()

    def invariant(streaming: Streaming) -> bool:
        return len(streaming.hub.opened) == 2

    explore(Streaming, [open_and_close, open_and_close], invariant).assert_holds()


def test_a_latch_that_is_set_wakes_all_who_wait() -> None:
    def wait(latch: Any) -> None:
        assert latch.wait(None)

    explore(Latch, [wait, wait, Latch.set], Latch.is_set).assert_holds()
