"""Signal handlers that call the client."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from qfex import (
    RequestTimeout,
)
from tests.support.exchange import Peer, Scripted, acknowledgement, answers_everything
from tests.support.helpers import AAPL, PATIENCE, background, eventually, outcome
from tests.support.interrupts import CALLS

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of the user's own")


@needs_signals
@pytest.mark.parametrize("answered_first", ["the handler's", "the interrupted", "both at once"])
def test_a_signal_handler_may_call_the_client_while_a_call_waits(
    scripted: Scripted, answered_first: str
) -> None:
    """For example to cancel all orders on SIGTERM. Each call gets its own reply, whichever arrives first."""

    def script(peer: Peer) -> None:
        peer.accept()
        interrupted = peer.receive("add_order")
        (call,) = eventually(
            lambda: [call for call in client._session.current._table if call.waiting], "it waits"
        )  # type: ignore[union-attr]
        os.kill(os.getpid(), signal.SIGUSR1)
        handlers = peer.receive("add_order")
        if answered_first == "the interrupted":
            peer.send(acknowledgement(interrupted))
            eventually(lambda: call.answered, "the reply")
            peer.send(acknowledgement(handlers))
        elif answered_first == "the handler's":
            peer.send(acknowledgement(handlers))
            eventually(lambda: ends, "the end of the handler")
            peer.send(acknowledgement(interrupted))
        else:
            peer.send(acknowledgement(handlers), acknowledgement(interrupted))
        with suppress(Exception):
            went_on.append(peer.receive("add_order"))  # fails if it comes only after the first call's timeout
            peer.send(acknowledgement(went_on[0]))
        peer.read_until_closed()

    ends: list[Any] = []
    went_on: list[Any] = []
    _, client = scripted(script, rate_limit=None)
    before = signal.signal(
        signal.SIGUSR1, lambda *_: ends.append(outcome(partial(CALLS["an order"], client)))
    )
    try:
        outer = client.place_order(AAPL, "BUY", 1, 200, timeout=4 * PATIENCE)
        assert CALLS["an order"](client).is_live
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert outer.is_live and ends[0].is_live and outer.order_id != ends[0].order_id and went_on


def test_a_signal_handler_may_call_the_client_right_after_a_message_was_sent(scripted: Scripted) -> None:
    _, client = scripted(answers_everything, rate_limit=None)
    sock = client._session.current.transport._socket  # type: ignore[union-attr]
    assert sock is not None
    send, ends = sock.send, []

    def handled(*arguments: Any) -> None:
        sock.send = send  # type: ignore[method-assign]
        send(*arguments)
        ends.append(CALLS["an order"](client))

    sock.send = handled  # type: ignore[method-assign]
    assert CALLS["an order"](client).is_live and ends[0].is_live
    with background(lambda: CALLS["an order"](client)) as placed:
        assert placed().is_live


def test_a_signal_handler_that_interrupts_a_message_cannot_write_into_it(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything, rate_limit=None)
    sock = client._session.current.transport._socket  # type: ignore[union-attr]
    assert sock is not None
    send, ends = sock.send, []

    def handled(data: Any, counts: list[int]) -> None:
        sock.send = send  # type: ignore[method-assign]
        send(data[:20], counts)
        ends.append(outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.05)))

    sock.send = handled  # type: ignore[method-assign]
    assert CALLS["an order"](client).is_live
    assert isinstance(ends[0], RequestTimeout) and not ends[0].sent
    assert [each["type"] for each in exchange.peers[0].commands].count("add_order") == 1
