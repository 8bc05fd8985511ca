"""Each call ends in one of the documented ways: every error code, no reply, a lost connection (R24, R25)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

import qfex
from qfex import (
    ApiError,
    Channel,
    ConnectionLost,
    ConnectionState,
    ErrorCode,
    NotConnected,
    Order,
    OutcomeUnknown,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Peer, Scripted, acknowledgement, answers_everything, answers_nothing
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    Connect,
    Received,
    background,
    catch_up,
    eventually,
    next_event,
    outcome,
)

Call = Callable[[TradeClient, float], object]
GONE = Order("o1", symbol=AAPL, side=qfex.Side.BUY, order_type=qfex.OrderType.LIMIT, price=330, quantity=1)  # type: ignore[arg-type]
TRADING: dict[str, Call] = {
    "add_order": lambda client, timeout: client.place_order(AAPL, "BUY", 1, 330, timeout=timeout),
    "modify_order": lambda client, timeout: client.modify_order(GONE, price=331, timeout=timeout),
    "cancel_order": lambda client, timeout: client.cancel_order("o1", symbol=AAPL, timeout=timeout),
    "cancel_stop_order": lambda client, timeout: client.cancel_stop_order("s1", timeout=timeout),
    "modify_stop_order": lambda client, timeout: client.modify_stop_order(
        "s1", symbol=AAPL, trigger_price=300, quantity=1, timeout=timeout
    ),
    "close_position": lambda client, timeout: client.close_position(AAPL, timeout=timeout),
    "add_twap": lambda client, timeout: client.add_twap(AAPL, "BUY", 10, 5, 30, timeout=timeout),
    "set_user_leverage": lambda client, timeout: client.set_leverage(AAPL, 5, timeout=timeout),
}
READS: dict[str, Call] = {
    "get_order": lambda client, timeout: client.get_order(AAPL, "o1", timeout=timeout),
    "get_user_orders": lambda client, timeout: client.get_user_orders(timeout=timeout),
    "get_user_trades": lambda client, timeout: client.get_user_trades(timeout=timeout),
    "get_user_leverage": lambda client, timeout: client.get_leverage(timeout=timeout),
    "get_available_leverage_levels": lambda client, timeout: client.get_available_leverage(timeout=timeout),
    "subscribe": lambda client, timeout: client.subscribe(Channel.FILLS, timeout=timeout),
}
CALLS = {**TRADING, **READS}


@pytest.fixture
def dialect() -> str:
    """One dialect: failures are the same in both."""
    return "live"


# --- the exchange says no -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*CALLS, "cancel_all_orders"])
def test_an_error_reply_ends_the_call_that_it_echoes(
    sim: Simulator, client: TradeClient, command: str
) -> None:
    call = CALLS.get(command, lambda client, timeout: client.cancel_all_orders(timeout=timeout))
    sim.faults.error_reply(command, "ServerError", "try later")
    with pytest.raises(qfex.ServerError) as refused:
        call(client, PATIENCE)
    assert (refused.value.error_code, refused.value.message) == (ErrorCode.SERVER_ERROR, "try later")
    assert refused.value.incoming_message["type"] == command
    catch_up(client)
    assert client.stats().pending == 0


@pytest.mark.parametrize("code", list(ErrorCode))
@pytest.mark.parametrize("echo", ["object", "text"])
def test_every_code_becomes_its_exception(
    sim: Simulator, client: TradeClient, code: ErrorCode, echo: Any
) -> None:
    sim.faults.error_reply("add_order", code.value, "because", echo=echo)
    with pytest.raises(ApiError) as refused:
        client.place_order(AAPL, "BUY", 1, 330)
    named = getattr(qfex, code.value, ApiError)
    assert type(refused.value) is (
        named if isinstance(named, type) and issubclass(named, ApiError) else ApiError
    )
    assert refused.value.error_code is code and refused.value.message == "because"


def test_an_error_without_an_echo_fails_no_call(sim: Simulator, client: TradeClient) -> None:
    sim.faults.error_reply("add_order", "ServerError", "whose?", echo=None)
    with client.stream(Channel.ERRORS) as errors:
        with pytest.raises(OutcomeUnknown) as unknown:
            client.place_order(AAPL, "BUY", 1, 330, timeout=0.1)
        assert "whose?" in next_event(errors).message
    assert unknown.value.reason == "timeout"


def test_an_error_ends_its_own_call_and_no_other(sim: Simulator, client: TradeClient) -> None:
    held = sim.faults.hold_reply(
        "add_order", when=lambda message: message["params"]["client_order_id"] == "good"
    )
    sim.faults.error_reply(
        "add_order", "InvalidOrder", when=lambda message: message["params"]["client_order_id"] == "bad"
    )
    good = client.submit_order(AAPL, "BUY", 1, 330, client_order_id="good")
    with pytest.raises(qfex.InvalidOrder):
        client.place_order(AAPL, "BUY", 1, 330, client_order_id="bad")
    assert not good.done
    held.release()
    assert good.result().client_order_id == "good"


# --- no reply -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", TRADING)
def test_a_trading_command_without_an_answer_has_an_unknown_outcome(
    sim: Simulator, client: TradeClient, command: str
) -> None:
    sim.faults.swallow_command(command)
    with pytest.raises(OutcomeUnknown) as unknown:
        TRADING[command](client, 0.1)
    assert (unknown.value.command, unknown.value.reason, unknown.value.sent) == (command, "timeout", True)
    assert isinstance(unknown.value, RequestTimeout) and isinstance(unknown.value, TimeoutError)
    named = (unknown.value.client_order_id, unknown.value.order_id)
    assert any(named) or command in ("set_user_leverage",)


@pytest.mark.parametrize("command", READS)
def test_a_read_without_an_answer_times_out(sim: Simulator, client: TradeClient, command: str) -> None:
    sim.faults.swallow_command(command)
    with pytest.raises(RequestTimeout) as timeout:
        READS[command](client, 0.1)
    assert timeout.value.sent is True and not isinstance(timeout.value, OutcomeUnknown)


@pytest.mark.parametrize("command", ["add_order", "get_user_orders"])
def test_a_late_reply_does_not_answer_a_later_call(sim: Simulator, client: TradeClient, command: str) -> None:
    held = sim.faults.hold_reply(command)
    with pytest.raises(RequestTimeout):
        CALLS[command](client, 0.1)
    held.release()
    catch_up(client)
    result = CALLS[command](client, PATIENCE)
    if isinstance(result, Order):
        assert len(client.open_orders) == 2 and result.order_id in client.open_orders


def test_a_call_that_times_out_before_it_is_sent_says_so(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=qfex.ReconnectPolicy(initial_delay=5.0, max_delay=5.0))
    sim.faults.refuse_connections()
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        next_event(states, lambda event: event.state is ConnectionState.RECONNECTING)
    for call in CALLS.values():
        with pytest.raises(RequestTimeout) as unsent:
            call(client, 0.01)
        assert unsent.value.sent is False and not isinstance(unsent.value, OutcomeUnknown)


# --- lost connections ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", TRADING)
def test_a_connection_lost_before_the_reply_leaves_the_outcome_unknown(
    sim: Simulator, connect: Connect, command: str
) -> None:
    client = connect(sim, reconnect=None)
    sim.faults.drop_before_command(command)
    with pytest.raises(OutcomeUnknown) as unknown:
        TRADING[command](client, PATIENCE)
    assert (unknown.value.command, unknown.value.reason) == (command, "connection lost")
    with pytest.raises(NotConnected):
        TRADING[command](client, PATIENCE)


@pytest.mark.parametrize("command", READS)
def test_a_read_raises_connection_lost_when_there_is_no_reconnect(
    sim: Simulator, connect: Connect, command: str
) -> None:
    client = connect(sim, reconnect=None)
    sim.faults.drop_before_command(command)
    with pytest.raises(ConnectionLost):
        READS[command](client, PATIENCE)


@pytest.mark.parametrize("command", ["get_user_orders", "get_user_trades", "get_user_leverage"])
def test_a_read_is_repeated_on_a_new_connection(sim: Simulator, connect: Connect, command: str) -> None:
    client = connect(sim, reconnect=qfex.ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    sim.faults.drop_before_command(command)
    assert isinstance(READS[command](client, PATIENCE), (list, qfex.OpenOrders))


def test_an_order_waits_for_a_connection_within_its_timeout(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=qfex.ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        next_event(states, lambda event: event.state is ConnectionState.RECONNECTING)
    order = client.place_order(AAPL, "BUY", 1, 330)
    assert order.is_live and sim.ledger.count("add_order") == 1


# --- sent or not sent ---------------------------------------------------------------------------------------


def acknowledging(peer: Peer) -> None:
    """Accept the client and acknowledge its orders."""
    peer.accept()
    while True:
        peer.send(acknowledgement(peer.receive("add_order")))


def test_a_pending_order_never_returns_none(scripted: Scripted) -> None:
    exchange, client = scripted(answers_nothing)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    with pytest.raises(OutcomeUnknown):
        pending.result(timeout=0.05)
    exchange.peers[0].drop()
    eventually(lambda: len(exchange.peers) == 2, "a new connection")
    with pytest.raises(OutcomeUnknown) as caught:
        pending.result(timeout=1)
    assert caught.value.client_order_id == pending.client_order_id


def test_a_read_behind_an_overdue_reply_times_out_when_there_is_no_reconnect(scripted: Scripted) -> None:
    _, client = scripted(answers_nothing, reconnect=None)
    first = outcome(lambda: client.get_user_trades(timeout=0.05))
    assert isinstance(first, RequestTimeout) and first.sent
    begun = monotonic()
    second = outcome(lambda: client.get_user_trades(timeout=2.5))
    assert isinstance(second, RequestTimeout) and not second.sent
    assert monotonic() - begun < 3.5


def test_a_call_with_a_short_timeout_does_not_wait_for_a_longer_renewal(scripted: Scripted) -> None:
    _, client = scripted(answers_nothing)
    stuck = client.submit_order(AAPL, "BUY", 1, 200, timeout=30)  # in flight, so that the renewal has to wait
    outcome(lambda: client.get_user_trades(timeout=0.01))
    with background(lambda: outcome(lambda: client.get_user_trades(timeout=4))) as patient:
        eventually(lambda: client._session.current.renewing, "the renewal")  # type: ignore[union-attr]
        begun = monotonic()
        hasty = outcome(lambda: client.get_user_trades(timeout=0.2))
        assert isinstance(hasty, RequestTimeout) and not hasty.sent
        assert monotonic() - begun < 1.2
        client.close()
        patient()
    assert isinstance(outcome(stuck.result), OutcomeUnknown)


def test_a_read_that_was_sent_is_not_reported_as_unsent_when_the_connection_is_lost(
    scripted: Scripted,
) -> None:
    def dies_while_asked(peer: Peer) -> None:
        peer.accept()
        peer.receive("get_user_trades")
        peer.drop()

    _, client = scripted(dies_while_asked, reconnect=None)
    with pytest.raises(ConnectionLost):
        client.get_user_trades()


def test_a_read_that_was_sent_is_not_reported_as_unsent_when_the_client_closes(scripted: Scripted) -> None:
    asked = threading.Event()

    def listens(peer: Peer) -> None:
        peer.accept()
        peer.receive("get_user_trades")
        asked.set()
        peer.read_until_closed()

    _, client = scripted(listens)
    with background(client.get_user_trades) as answer:
        assert asked.wait(5)
        client.close()
        with pytest.raises(ConnectionLost):
            answer()


def test_an_order_that_exists_is_returned_when_closing_ends_its_wait(
    scripted: Scripted,
) -> None:
    _, client = scripted(acknowledging)
    with background(lambda: client.place_order(AAPL, "BUY", 1, 200, wait=True)) as placed:
        eventually(lambda: client.open_orders, "the acknowledgement")
        client.close()
        assert placed().order_id


def test_an_order_that_exists_is_returned_when_the_connection_is_lost_for_good(
    scripted: Scripted,
) -> None:
    exchange, client = scripted(acknowledging, reconnect=None)
    with background(lambda: client.place_order(AAPL, "BUY", 1, 200, wait=True)) as placed:
        eventually(lambda: client.open_orders, "the acknowledgement")
        exchange.peers[0].drop()
        assert placed().is_live
    with pytest.raises(NotConnected):
        client.place_order(AAPL, "BUY", 1, 200)


def test_a_thread_with_a_longer_timeout_gets_the_reply_that_another_gave_up(scripted: Scripted) -> None:
    answer = threading.Event()

    def slow(peer: Peer) -> None:
        peer.accept()
        request = peer.receive("add_order")
        answer.wait(PATIENCE)
        peer.send(acknowledgement(request))
        peer.read_until_closed()

    _, client = scripted(slow)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    with background(pending.result) as patient, background(lambda: pending.result(PATIENCE)) as other:
        assert isinstance(outcome(lambda: pending.result(timeout=0.05)), OutcomeUnknown)
        answer.set()
        assert patient() == other() == pending.result()
    assert patient().order_id in client.open_orders


@pytest.mark.parametrize("end", ["the exchange leaves", "the client is closed"])
def test_a_thread_with_a_longer_timeout_learns_at_once_that_the_connection_ended(
    scripted: Scripted, end: str
) -> None:
    exchange, client = scripted(answers_nothing, reconnect=None)
    pending = client.submit_order(AAPL, "BUY", 1, 200, timeout=1e6)
    with background(lambda: outcome(pending.result)) as patient:
        assert isinstance(outcome(lambda: pending.result(timeout=0.05)), OutcomeUnknown)
        exchange.peers[0].drop() if end == "the exchange leaves" else client.close()
        unknown = patient()
    assert isinstance(unknown, OutcomeUnknown) and unknown.reason != "timeout"


def test_r24_an_order_that_was_not_sent_before_a_loss_is_not_sent_after_it(scripted: Scripted) -> None:
    """Orders are not queued for the next connection: a call waits for it, or reports that nothing was sent."""

    def comes_back_later(peer: Peer) -> None:
        assert gone.wait(5)
        answers_everything(peer)

    gone = threading.Event()
    exchange, client = scripted(answers_everything, comes_back_later)
    exchange.peers[0].drop()
    eventually(lambda: len(exchange.peers) == 2, "the next connection")
    failed = outcome(lambda: client.place_order(AAPL, "BUY", 1, 200, timeout=0.1))
    assert isinstance(failed, RequestTimeout) and not failed.sent
    with background(lambda: client.place_order(AAPL, "BUY", 1, 200, client_order_id="patient")) as placed:
        gone.set()
        assert placed().client_order_id == "patient"
    orders = [each for each in exchange.peers[1].commands if each["type"] == "add_order"]
    assert [each["params"]["client_order_id"] for each in orders] == ["patient"]


def test_r25_no_reply_is_never_reported_as_a_rejection(scripted: Scripted) -> None:
    """Neither a timeout nor a lost connection changes what is known of an order."""

    def forgetful(peer: Peer) -> None:
        peer.accept()
        peer.answer(peer.receive("add_order"))
        peer.read_until_closed()

    def says_nothing_of_orders(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            if request["type"] == "get_order":
                peer.send({"err": {"error_code": "ServerError", "incoming_message": request}})
            else:
                peer.answer(request)

    exchange, client = scripted(forgetful, says_nothing_of_orders)
    received, changes = Received(client, Channel.ORDERS), Received(client, Channel.CONNECTION)
    placed = client.place_order(AAPL, "BUY", 1, 200)
    for call in (
        lambda: client.cancel_order(placed, timeout=0.1),
        lambda: client.modify_order(placed, price=201, timeout=0.1),
    ):
        assert isinstance(outcome(call), OutcomeUnknown)
    exchange.peers[0].drop()
    changes.wait(lambda events: any(event.gap_end for event in events))
    assert client.open_orders == {placed.order_id: placed}
    assert [order.status.value for order in received.events] == ["ACK"]


def test_asking_a_pending_order_again_for_its_result_sends_nothing(
    scripted: Scripted, monkeypatch: Any
) -> None:
    exchange, client = scripted(answers_everything)
    pending = client.submit_order(AAPL, "BUY", 1, 200)
    assert len({pending.result().order_id for _ in range(10)}) == 1
    assert [each["type"] for each in exchange.peers[0].commands].count("add_order") == 1
