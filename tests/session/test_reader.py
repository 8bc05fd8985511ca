"""The reader's loops: they end in time, and replace a connection on which a reply is overdue."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from qfex import RequestTimeout
from qfex.net.frames import ConnectionEnded
from qfex.policies import ReconnectPolicy
from qfex.protocol.connection import Procedure, ProtocolConnection
from qfex.protocol.trade import commands as c
from qfex.session.connection import ClientConnection
from qfex.session.reader import Reader
from qfex.threads import Deadline, Mutex, WaitList
from tests.protocol.connections import connected, in_use

LIMIT = 0.02  # seconds


class SilentPeer:
    """A transport on which nothing arrives."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def receive(self, timeout: float) -> Sequence[tuple[int, bytes]]:
        return ()

    def write(self, frames: Sequence[bytes], deadline: Deadline) -> None:
        self.sent += frames


def session(**members: Any) -> Any:
    """What the reader needs of a session."""
    return SimpleNamespace(
        events=SimpleNamespace(publish=lambda events: None),
        state_changed=WaitList(),
        round_trips=deque(),
        limiter=None,
        forgotten=False,
        is_ending=False,
        **members,
    )


def reader_of(protocol: ProtocolConnection, **members: Any) -> Reader:
    """A reader of a connection to a silent peer."""
    connection = ClientConnection(cast(Any, SilentPeer()), protocol, Mutex())
    return Reader(connection, ReconnectPolicy(), session(**members))


def stubborn(timeouts: list[RequestTimeout]) -> Procedure:
    """A procedure that asks again whenever an answer does not come."""
    while True:
        try:
            yield [c.GetUserTrades()]
        except RequestTimeout as error:
            timeouts.append(error)


def test_a_procedure_is_informed_when_its_time_is_up_and_ended_when_it_is_up_again() -> None:
    reader, timeouts = reader_of(connected()), list[RequestTimeout]()
    reader.carry_out(stubborn(timeouts), LIMIT, patience=60.0, urgent=True)
    assert len(timeouts) == 1


def test_a_procedure_ends_with_the_session() -> None:
    reader = reader_of(connected())
    reader._session.is_ending = True  # type: ignore[misc]
    with pytest.raises(ConnectionEnded):
        reader.carry_out(stubborn([]), 60.0, patience=60.0)


def test_a_connection_on_which_a_reply_is_overdue_is_replaced_once() -> None:
    replaced: list[ClientConnection] = []

    def renew_later(connection: ClientConnection) -> None:
        replaced.append(connection)
        connection.renewing = "a reply is overdue"
        connection.stopping = True

    reader = reader_of(in_use(), renew_later=renew_later)
    reader._protocol.is_overdue = True
    reader.read_on()
    assert replaced == [reader.connection]


def test_a_connection_that_is_being_replaced_is_not_replaced_again() -> None:
    reader = reader_of(in_use())  # whose session cannot replace anything
    reader._protocol.is_overdue = True
    reader.connection.renewing = "a reply is overdue"

    def work(may_ask: bool = True) -> Any:
        reader.connection.stopping = True
        return [], []

    reader._protocol.work = work  # type: ignore[method-assign]
    reader.read_on()
    assert reader.connection.stopping
