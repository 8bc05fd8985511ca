"""Each call ends in one of the documented ways: every error code, every silence, every lost line."""

from __future__ import annotations

from collections.abc import Callable
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
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RateLimitPolicy,
    RequestTimeout,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, PATIENCE, Connect, fence, until

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
    """What goes wrong here goes wrong alike in both."""
    return "live"


# --- the exchange says no ----------------------------------------------------------------------------------------


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
    fence(client)
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


def test_an_error_without_an_echo_fails_nobody(sim: Simulator, client: TradeClient) -> None:
    sim.faults.error_reply("add_order", "ServerError", "whose?", echo=None)
    with client.stream(Channel.ERRORS) as errors:
        with pytest.raises(OutcomeUnknown) as unknown:
            client.place_order(AAPL, "BUY", 1, 330, timeout=0.1)
        assert "whose?" in until(errors).message
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


def test_a_rate_limit_says_how_long_to_wait_and_is_obeyed(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, rate_limit=RateLimitPolicy(retry_after=0.05))
    sim.faults.rate_limit("add_order", retry_after=30.0)
    with pytest.raises(RateLimited) as limited:
        client.place_order(AAPL, "BUY", 1, 330)
    assert limited.value.retry_after == 30.0
    with pytest.raises(RequestTimeout) as waiting:
        client.place_order(AAPL, "BUY", 1, 330, timeout=1.0)
    assert waiting.value.sent is False and not isinstance(waiting.value, OutcomeUnknown)
    assert sim.ledger.count("add_order") == 0
    with pytest.raises(OrderRejected):
        client.cancel_order("o1", symbol=AAPL)  # its own budget


def test_a_rate_limit_without_a_hint_pauses_as_the_policy_says(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, rate_limit=RateLimitPolicy(retry_after=0.02))
    sim.faults.rate_limit("add_order", retry_after=None)
    with pytest.raises(RateLimited) as limited:
        client.place_order(AAPL, "BUY", 1, 330)
    assert limited.value.retry_after is None
    assert client.place_order(AAPL, "BUY", 1, 330).is_live


def test_without_throttling_nothing_is_held_back(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, rate_limit=None)
    sim.faults.rate_limit("add_order", retry_after=30.0)
    with pytest.raises(RateLimited):
        client.place_order(AAPL, "BUY", 1, 330)
    assert client.place_order(AAPL, "BUY", 1, 330).is_live


# --- silence -----------------------------------------------------------------------------------------------------


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
def test_a_late_reply_goes_to_nobody_else(sim: Simulator, client: TradeClient, command: str) -> None:
    held = sim.faults.hold_reply(command)
    with pytest.raises(RequestTimeout):
        CALLS[command](client, 0.1)
    held.release()
    fence(client)
    result = CALLS[command](client, PATIENCE)
    if isinstance(result, Order):
        assert len(client.open_orders) == 2 and result.order_id in client.open_orders


def test_with_no_time_at_all_nothing_is_sent(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=qfex.ReconnectPolicy(initial_delay=5.0, max_delay=5.0))
    sim.faults.refuse_connections()
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        until(states, lambda event: event.state is ConnectionState.RECONNECTING)
    for call in CALLS.values():
        with pytest.raises(RequestTimeout) as unsent:
            call(client, 0.01)
        assert unsent.value.sent is False and not isinstance(unsent.value, OutcomeUnknown)


# --- lost lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", TRADING)
def test_a_line_that_dies_before_the_reply_leaves_the_outcome_unknown(
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
def test_a_read_whose_line_died_says_so_where_no_other_comes(
    sim: Simulator, connect: Connect, command: str
) -> None:
    client = connect(sim, reconnect=None)
    sim.faults.drop_before_command(command)
    with pytest.raises(ConnectionLost):
        READS[command](client, PATIENCE)


@pytest.mark.parametrize("command", ["get_user_orders", "get_user_trades", "get_user_leverage"])
def test_a_read_is_asked_again_on_a_new_line(sim: Simulator, connect: Connect, command: str) -> None:
    client = connect(sim, reconnect=qfex.ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    sim.faults.drop_before_command(command)
    assert isinstance(READS[command](client, PATIENCE), (list, qfex.OpenOrders))


def test_an_order_waits_for_a_line_while_its_time_lasts(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=qfex.ReconnectPolicy(initial_delay=0.01, max_delay=0.02))
    with client.stream(Channel.CONNECTION) as states:
        sim.faults.drop_now()
        until(states, lambda event: event.state is ConnectionState.RECONNECTING)
    order = client.place_order(AAPL, "BUY", 1, 330)
    assert order.is_live and sim.ledger.count("add_order") == 1
