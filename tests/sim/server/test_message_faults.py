"""Faults of commands, replies and single messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
import websocket

from qfex.sim import Simulator
from tests.sim.clients import RawClient, connect, open_orders, order_message
from tests.support.helpers import eventually


def order(name: str, **terms: Any) -> dict[str, Any]:
    """Return a resting order's message."""
    return order_message("BUY", 1, 330, client_order_id=name, **terms)


def name_of(client: RawClient) -> str:
    """Return the client order id of the next order response."""
    found: str = client.until("order_response")["client_order_id"]
    return found


def test_a_command_with_a_swallowed_reply_is_processed(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.swallow_reply("add_order")
    client.send(order("silent"))
    client.send(order("loud"))
    assert name_of(client) == "loud"
    assert open_orders(sim) == ["silent", "loud"]


def test_a_swallowed_command_is_not_processed(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.swallow_command("add_order", times=2)
    for name in ("one", "two", "three"):
        client.send(order(name))
    assert name_of(client) == "three"
    assert open_orders(sim) == ["three"]
    assert sim.ledger.count("add_order") == 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_cut_before_the_reply(sim: Simulator, reset: bool) -> None:
    client, other = connect(sim), connect(sim)
    sim.faults.drop_before_reply("add_order", reset=reset)
    client.send(order("lost"))
    assert isinstance(client.closed(), ConnectionResetError) is reset
    assert name_of(other) == "lost"
    assert open_orders(sim) == ["lost"]
    assert other.ask(order("next"))["order_response"]["status"] == "ACK"


def test_a_connection_cut_before_the_command_is_processed(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.drop_before_command("add_order")
    client.send(order("never"))
    assert client.closed() is not None
    assert open_orders(sim) == []
    assert sim.ledger.count("add_order") == 0


def test_a_cut_needs_no_reply_to_happen() -> None:
    with Simulator(symbols=["AAPL-USD"], dialect="documented", clock="manual") as sim:
        client = connect(sim)
        sim.faults.drop_before_reply("cancel_on_disconnect")
        client.send({"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}})
        assert client.closed() is not None


def test_commands_behind_the_cut_are_not_processed(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.drop_before_reply("add_order")
    make = websocket.ABNF.create_frame
    frames = [make(json.dumps(order(name)), websocket.ABNF.OPCODE_TEXT).format() for name in ("one", "two")]
    client.socket.sock.sendall(b"".join(frames))
    assert client.closed() is not None
    assert open_orders(sim) == ["one"]


def test_a_condition_selects_the_command(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.swallow_reply("add_order", when=lambda m: m["params"]["client_order_id"] == "b")
    for name in ("a", "b", "c"):
        client.send(order(name))
    assert [name_of(client), name_of(client)] == ["a", "c"]


def test_a_fault_may_strike_only_one_connection(sim: Simulator) -> None:
    first, second = connect(sim, None, "order_responses"), connect(sim, None, "fills", "balances")
    second.until("balance_response")
    sim.faults.swallow_reply(None, times=None, connection=sim.connections[0].id)
    query = {"type": "get_user_orders", "params": {}}
    first.send(query)
    assert "all_orders_response" in second.ask(query)
    sim.faults.clear()
    assert "all_orders_response" in first.ask(query)


def test_a_fault_may_spare_the_first(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.swallow_reply("add_order", skip=2, times=2)
    sim.faults.duplicate(kind="order_response", skip=1)
    for name in ("a", "b", "c", "d", "e"):
        client.send(order(name))
    assert [name_of(client) for _ in range(4)] == ["a", "b", "b", "e"]


def test_a_fault_may_wait_for_the_next_connection(sim: Simulator) -> None:
    first = connect(sim)
    sim.faults.swallow_command("add_order", connection="next")
    sim.faults.drop_after(frames=5, direction="in", connection="next")
    first.send(order("a"))
    assert name_of(first) == "a"
    second = connect(sim)
    for name in ("b", "c"):
        second.send(order(name))
    assert name_of(second) == "c"
    assert second.closed() is not None
    first.send(order("d"))
    first.until("order_response", client_order_id="d")
    assert open_orders(sim) == ["a", "c", "d"]


def test_fills_are_sent_when_the_reply_is_swallowed(sim: Simulator) -> None:
    connect(sim, sim.create_account()).ask(order_message("SELL", 1, 336))
    client = connect(sim)
    sim.faults.swallow_reply("add_order")
    client.send(order_message("BUY", 1, 336))
    assert list(client.receive()) == ["fill_response"]


def test_a_held_reply_is_sent_when_it_is_released(sim: Simulator) -> None:
    client = connect(sim)
    held = sim.faults.hold_reply("add_order")
    client.send(order("late"))
    client.send(order("early"))
    assert name_of(client) == "early"
    assert held.count == 1
    held.release()
    assert name_of(client) == "late"
    held.release()
    assert held.count == 0


def test_releasing_a_reply_to_a_closed_connection_does_nothing(sim: Simulator) -> None:
    client = connect(sim)
    held = sim.faults.hold_reply("add_order")
    client.send(order("late"))
    eventually(lambda: held.count == 1, "the reply is held back")
    client.vanish()
    eventually(lambda: sim.connections == [], "the connection ended")
    held.release()


def test_a_delayed_reply_is_overtaken(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.delay(0.05, "add_order")
    client.send(order("late"))
    client.send(order("early"))
    assert [name_of(client), name_of(client)] == ["early", "late"]


def test_a_reordered_reply_has_filled_before_ack(sim: Simulator) -> None:
    connect(sim, sim.create_account()).ask(order_message("SELL", 1, 336))
    client = connect(sim, None, "order_responses")
    sim.faults.reorder("add_order")
    client.send(order_message("BUY", 1, 336))
    assert [client.until("order_response")["status"] for _ in range(2)] == ["FILLED", "ACK"]


def test_a_duplicated_reply_is_sent_twice(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.duplicate("add_order")
    client.send(order("twice"))
    client.send(order("once"))
    assert [name_of(client) for _ in range(3)] == ["twice", "twice", "once"]


@pytest.mark.parametrize("fault", ["garble", "truncate"])
def test_a_garbled_reply_is_not_json_and_the_connection_stays_open(sim: Simulator, fault: str) -> None:
    client = connect(sim)
    getattr(sim.faults, fault)("add_order")
    client.send(order("spoilt"))
    text = client.socket.recv()
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert client.ask(order("good"))["order_response"]["client_order_id"] == "good"


def test_messages_are_selected_by_kind_and_content(sim: Simulator) -> None:
    connect(sim, sim.create_account()).ask(order_message("SELL", 2, 336))
    client = connect(sim)
    sim.faults.swallow_frame(
        "order_response", when=lambda m: m["order_response"]["status"] == "FILLED", times=None
    )
    sim.faults.duplicate(kind="fill_response")
    client.send(order_message("BUY", 1, 336))
    received = [next(iter(client.receive())) for _ in range(3)]
    assert sorted(received) == ["fill_response", "fill_response", "order_response"]
    client.send(order_message("BUY", 1, 336))
    received = [next(iter(client.receive())) for _ in range(2)]
    assert sorted(received) == ["fill_response", "order_response"]


@pytest.mark.parametrize("echo", ["object", "text", None])
def test_an_error_reply_replaces_the_processing(sim: Simulator, echo: Any) -> None:
    client = connect(sim)
    sim.faults.error_reply("add_order", "ServerError", "not now", echo=echo)
    message = order("refused")
    refused = client.ask(message)["err"]
    echoes = {"object": message, "text": json.dumps(message), None: None}
    assert refused == {"error_code": "ServerError", "message": "not now", "incoming_message": echoes[echo]}
    assert open_orders(sim) == []


def test_a_rate_limit_with_and_without_a_hint(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.rate_limit("add_order", retry_after=0.5)
    sim.faults.rate_limit("add_order", retry_after=None)
    first, second = (client.ask(order(name))["err"] for name in ("a", "b"))
    assert (first["error_code"], first["message"]) == (
        "RateLimited",
        "rate limit exceeded, retry after 500ms",
    )
    assert (second["error_code"], second["message"]) == ("RateLimited", "rate limit exceeded")
    assert name_of_ack(client) == "c"


def name_of_ack(client: RawClient) -> str:
    """Place the third order and return the client order id of its acknowledgement."""
    found: str = client.ask(order("c"))["order_response"]["client_order_id"]
    return found


def test_injected_messages_are_sent_unchanged(sim: Simulator) -> None:
    client = connect(sim)
    sim.faults.inject({"type": "Err", "error_code": "ServerError"})
    sim.faults.inject("not even json")
    assert client.receive() == {"type": "Err", "error_code": "ServerError"}
    assert client.socket.recv() == "not even json"


def test_a_fault_that_never_strikes_is_an_error(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="at least once"):
        sim.faults.swallow_reply("add_order", times=0)
    with pytest.raises(ValueError, match="at least once"):
        sim.faults.duplicate(times=-1)


def test_an_unknown_scope_argument_is_an_error(sim: Simulator) -> None:
    with pytest.raises(TypeError):
        sim.faults.swallow_reply("add_order", time=2)
