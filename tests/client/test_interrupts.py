"""Ctrl-C at any line of a call, as in notebooks and consoles, where the client is used again afterwards (R1)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from qfex import (
    Channel,
    ConnectionState,
    NotConnected,
    OrderRequest,
    RequestTimeout,
    TradeClient,
)
from qfex.net.frames import SendFailed
from qfex.protocol.command import Command
from qfex.threads import Deadline
from tests.support.exchange import Scripted, ScriptedExchange, answers_everything
from tests.support.helpers import AAPL, QUICK, background, eventually, outcome
from tests.support.interrupts import CALLS, CtrlC


def interrupted(
    venue: ScriptedExchange, call: Callable[[TradeClient], Any], number: int
) -> tuple[str, list[Any]]:
    """Interrupt a call, then make other calls.

    Returns
    -------
    str
        Where Ctrl-C interrupted it, as file and line number; empty if the call was over before.
    list
        The outcomes of the other calls.
    """
    client = TradeClient(venue.environment, venue.credentials, rate_limit=None, reconnect=QUICK)
    trap = CtrlC(number)
    with client:
        try:
            with trap:
                call(client)
        except KeyboardInterrupt:
            pass
        ends = [outcome(partial(each, client)) for each in CALLS.values()]
        eventually(lambda: not client.stats().pending, f"answers to all after Ctrl-C at {trap.where}")
    return trap.where, ends


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_r01_ctrl_c_at_any_line_of_a_call_breaks_no_later_call(
    call: Callable[[TradeClient], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.02)
    with ScriptedExchange(answers_everything) as venue:
        for number in itertools.count(1):
            where, ends = interrupted(venue, call, number)
            assert not [end for end in ends if isinstance(end, Exception)], f"Ctrl-C at {where}"
            if not where:
                break
    assert number > 50


def test_r01_ctrl_c_at_any_line_of_connecting_leaves_a_client_that_can_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qfex.session.connection.LATE_REPLY_GRACE", 0.02)
    with ScriptedExchange(answers_everything) as venue:
        for number in itertools.count(1):
            trap = CtrlC(number)
            client = TradeClient(venue.environment, venue.credentials, reconnect=QUICK)
            client.on(Channel.FILLS, print)
            with contextlib.suppress(KeyboardInterrupt), trap:
                client.connect()
            ends = [outcome(partial(each, client)) for each in (TradeClient.connect, *CALLS.values())]
            client.close()
            assert not [end for end in ends if isinstance(end, Exception)], f"Ctrl-C at {trap.where}"
            if not trap.where:
                break
    assert number > 50


def test_r01_ctrl_c_at_any_line_of_closing_leaves_a_client_that_can_be_closed() -> None:
    with ScriptedExchange(answers_everything) as venue:
        for number in itertools.count(1):
            trap = CtrlC(number)
            client = TradeClient(venue.environment, venue.credentials, reconnect=QUICK)
            client.connect()
            with contextlib.suppress(KeyboardInterrupt), trap:
                client.close()
            client.close()
            assert not client.is_alive and client.state is ConnectionState.CLOSED, f"Ctrl-C at {trap.where}"
            assert isinstance(outcome(client.get_user_trades), NotConnected)
            if not trap.where:
                break
    assert number > 20


def test_r01_ctrl_c_while_a_batch_waits_for_a_new_connection_reaches_the_caller(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first message was sent in part, the others not at all. Ctrl-C interrupts the resending of the last one."""
    _, client = scripted(answers_everything, rate_limit=None)
    connection = client._session.current
    assert connection is not None
    alone = iter([RequestTimeout("no connection", sent=False), KeyboardInterrupt()])

    def cut(commands: list[Command], deadline: Deadline) -> None:
        raise SendFailed("cut", begun=1)

    def submit(command: Command, deadline: Deadline) -> Any:
        raise next(alone)

    monkeypatch.setattr(connection, "send", cut)
    monkeypatch.setattr(client._requests, "submit", submit)
    with pytest.raises(KeyboardInterrupt):
        client.place_orders([OrderRequest(AAPL, "BUY", 1, 200)] * 3)
    assert client.stats().pending == 0, "no request waits for the message that may have been sent"
    assert len(list(connection._table)) == 1, "requests that were withdrawn are removed"


class LockThenCtrlC:
    """A lock whose `acquire` succeeds and is then interrupted, before its caller can know that it succeeded."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self.release = lock.release

    def acquire(self, *options: Any) -> bool:
        assert self._lock.acquire(*options)
        raise KeyboardInterrupt


def test_r01_ctrl_c_right_after_taking_the_send_lock_releases_it(scripted: Scripted) -> None:
    exchange, client = scripted(answers_everything, rate_limit=None)
    transport = client._session.current.transport  # type: ignore[union-attr]
    lock = transport._send_lock
    transport._send_lock = LockThenCtrlC(lock)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        CALLS["an order"](client)
    transport._send_lock = lock
    with background(lambda: CALLS["an order"](client)) as placed:
        assert placed().is_live
    assert len(exchange.peers) == 1


def test_r01_ctrl_c_after_a_message_was_sent_costs_neither_the_connection_nor_the_orders(
    scripted: Scripted,
) -> None:
    """With cancel-on-disconnect armed, the loss of the connection would cancel all orders."""
    exchange, client = scripted(answers_everything, rate_limit=None)
    sock = client._session.current.transport._socket  # type: ignore[union-attr]
    assert sock is not None
    send = sock.send

    def interrupted(*arguments: Any) -> None:
        send(*arguments)
        sock.send = send  # type: ignore[method-assign]
        raise KeyboardInterrupt

    sock.send = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        client.place_order(AAPL, "BUY", 1, 200, client_order_id="interrupted")
    eventually(lambda: client.open_orders, "the open order")
    assert CALLS["an order"](client).client_order_id != "interrupted"
    assert len(exchange.peers) == 1 and client.stats().pending == 0
