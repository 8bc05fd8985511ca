"""Finding out what became of an order whose outcome is unknown (R23, R26)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from qfex import (
    Channel,
    ConnectionState,
    OrderRejected,
    OrderStatus,
    OutcomeUnknown,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, ScriptedExchange, order_response
from tests.support.helpers import (
    AAPL,
    PATIENCE,
    QUICK,
    Connect,
    live_only,
    outcome,
)
from tests.support.rest_server import ScriptedServer, reply

# --- on the simulator ---------------------------------------------------------------------------------------


def test_a_live_order_is_found(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    found = client.resolve("mine", AAPL)
    assert found is not None and (found.order_id, found.is_live) == (order.order_id, True)


def test_a_finished_order_is_found(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    client.place_order(AAPL, "BUY", 1, 335, wait=True, client_order_id="filled")
    client.cancel_order(client.place_order(AAPL, "BUY", 1, 330, client_order_id="gone"))
    filled, gone = client.resolve("filled", AAPL), client.resolve("gone", AAPL)
    assert filled is not None and (filled.status, filled.quantity_filled) == (OrderStatus.FILLED, 1)
    assert gone is not None and gone.status is OrderStatus.CANCELLED and gone.client_order_id == "gone"


@pytest.mark.parametrize("silent", ["get_user_orders", "get_order"])
def test_one_source_suffices_to_find_a_live_order(sim: Simulator, client: TradeClient, silent: str) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    sim.faults.error_reply(silent, "ServerError", times=None)
    found = client.resolve("mine", AAPL)
    assert found is not None and found.order_id == order.order_id


def test_the_history_suffices_to_find_a_finished_order(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="mine")
    client.cancel_order(order)
    sim.faults.error_reply("get_user_orders", "ServerError", times=None)
    sim.faults.error_reply("get_order", "ServerError", times=None)
    found = client.resolve("mine", AAPL)
    assert found is not None and (found.order_id, found.is_done) == (order.order_id, True)


def test_an_order_that_never_arrived_resolves_to_none(client: TradeClient) -> None:
    assert client.resolve("never-sent", AAPL, timeout=PATIENCE) is None


def test_resolve_does_not_say_none_before_the_grace_period_is_over(client: TradeClient) -> None:
    with pytest.raises(OutcomeUnknown) as unknown:
        client.resolve("never-sent", AAPL, timeout=0.05)
    assert (unknown.value.client_order_id, unknown.value.symbol, unknown.value.reason) == (
        "never-sent", AAPL, "timeout",
    )  # fmt: skip


def test_an_order_whose_reply_was_lost_is_found(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    sim.faults.drop_before_reply("add_order")
    with pytest.raises(OutcomeUnknown) as unknown:
        client.place_order(AAPL, "BUY", 1, 330)
    assert (unknown.value.command, unknown.value.reason) == ("add_order", "connection lost")
    assert unknown.value.client_order_id is not None and unknown.value.sent is True
    found = client.resolve(unknown.value.client_order_id, AAPL)
    assert found is not None and found.price == 330
    assert sim.ledger.count("add_order") == 1
    assert client.cancel_order(found).status is OrderStatus.CANCELLED


def test_an_order_that_was_lost_on_its_way_resolves_to_none(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=QUICK)
    sim.faults.drop_before_command("add_order")
    with pytest.raises(OutcomeUnknown) as unknown:
        client.place_order(AAPL, "BUY", 1, 330)
    assert unknown.value.client_order_id is not None
    assert client.resolve(unknown.value.client_order_id, AAPL) is None


def test_without_a_connection_the_outcome_stays_unknown(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=None)
    ended = threading.Event()
    client.on(
        Channel.CONNECTION, lambda event: ended.set() if event.state is ConnectionState.DISCONNECTED else None
    )
    sim.faults.drop_now()
    assert ended.wait(PATIENCE)
    with pytest.raises(OutcomeUnknown) as unknown:
        client.resolve("mine", AAPL)
    assert unknown.value.reason == "connection lost"
    client.close()
    with pytest.raises(OutcomeUnknown) as closed:
        client.resolve("mine", AAPL)
    assert closed.value.reason == "closed"


def test_resolve_does_not_say_none_when_the_history_is_unreachable(
    sim: Simulator, client: TradeClient
) -> None:
    client._history._environment = attrs.evolve(client._history._environment, rest_url="http://127.0.0.1:9")
    with pytest.raises(OutcomeUnknown):
        client.resolve("never-sent", AAPL, timeout=1.2)


# --- on a scripted exchange ---------------------------------------------------------------------------------

FINISHED = {
    "order_id": "h1", "client_order_id": "mine", "symbol": AAPL, "side": "BUY", "type": "LIMIT",
    "time_in_force": "GTC", "terminal_status": "FILLED", "status_ts": "2026-01-01T00:00:00Z",
    "quantity": 1.0, "filled_qty": 1.0, "passive_qty": 0.0, "price": 200.0, "avg_price": 200.0,
    "first_fill_ts": None, "last_fill_ts": None, "execution_state": "FULL",
}  # fmt: skip
OF_ANOTHER = {**FINISHED, "order_id": "h2", "client_order_id": "other"}
Answer = Callable[[Peer, Message], None]


def resolved(answers: dict[str, Answer | None], rows: list[Any], timeout: float = 5.0) -> Any:
    """What `resolve` returns or raises. A command whose answer is None gets no reply."""

    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            answer = answers.get(request["type"], Peer.answer)
            if answer is not None:
                answer(peer, request)

    history = ScriptedServer()
    history.replies = [reply({"data": rows, "count": len(rows)})]
    with history.running(), ScriptedExchange(script) as exchange:
        environment = attrs.evolve(exchange.environment, rest_url=history.environment.rest_url)
        with TradeClient(environment, exchange.credentials, reconnect=QUICK) as client:
            found = outcome(lambda: client.resolve("mine", AAPL, timeout=timeout))
        assert len(exchange.peers) == 1, "the connection was given up"
    return found


def denies_by_list(peer: Peer, request: Message) -> None:
    peer.send({"all_orders_response": {"orders": [], "twaps": []}})


def lists_it(peer: Peer, request: Message) -> None:
    peer.send({"all_orders_response": {"orders": [order_response("mine")["order_response"]], "twaps": []}})


def fails(peer: Peer, request: Message) -> None:
    peer.send({"err": {"error_code": "ServerError", "message": None, "incoming_message": request}})


@pytest.mark.parametrize("query", [Peer.answer, denies_by_list])
@pytest.mark.parametrize("listing", [Peer.answer, None])
def test_none_needs_only_the_query_and_the_history(query: Answer, listing: Answer | None) -> None:
    assert resolved({"get_order": query, "get_user_orders": listing}, []) is None


def test_an_open_order_that_only_the_list_shows_is_found() -> None:
    assert resolved({"get_user_orders": lists_it}, []).order_id == "id-of-mine"


def test_a_finished_order_is_found_in_the_history_among_others() -> None:
    found = resolved({"get_user_orders": None}, [OF_ANOTHER, FINISHED])
    assert (found.order_id, found.is_done) == ("h1", True)


@pytest.mark.parametrize("query", [None, fails])
def test_resolve_does_not_say_none_without_a_reply_to_the_query(query: Answer | None) -> None:
    assert isinstance(resolved({"get_order": query}, [], timeout=1.5), OutcomeUnknown)


def test_an_open_stop_without_a_client_order_id_keeps_the_outcome_unknown() -> None:
    def lists_a_stop(peer: Peer, request: Message) -> None:
        stop = order_response("", type="STOP_LOSS", side="SELL", order_id="s1")["order_response"]
        peer.send({"all_orders_response": {"orders": [stop], "twaps": []}})

    found = resolved({"get_user_orders": lists_a_stop}, [])
    assert isinstance(found, OutcomeUnknown) and "without a client order id" in found.reason


def test_a_stop_that_this_client_placed_is_found_by_its_client_order_id(
    market: Simulator, connect: Connect
) -> None:
    client = connect(market)
    client.place_market_order(AAPL, "BUY", 2, wait=True)
    stops = [
        client.place_stop_order(AAPL, "SELL", "STOP_LOSS", 1, 100 + number, client_order_id=f"stop-{number}")
        for number in range(2)
    ]
    found = client.resolve("stop-1", AAPL)
    assert found is not None and found.order_id == stops[1].order_id
    assert client.resolve("never", AAPL) is None


# --- after a lost reply -------------------------------------------------------------------------------------


def test_r23_a_lost_reply_is_an_unknown_outcome_and_resolve_finds_the_order(
    market: Simulator, connect: Connect
) -> None:
    client = connect(market)
    for price, done in ((None, True), (150, False)):
        market.faults.swallow_reply("add_order")
        with pytest.raises(OutcomeUnknown) as caught:
            client.place_order(AAPL, "BUY", 1, price, timeout=0.2)
        assert not isinstance(caught.value, OrderRejected) and caught.value.sent
        found = client.resolve(caught.value.client_order_id or "", AAPL)
        (row,) = market.ledger.orders(caught.value.client_order_id).values()
        assert found is not None and (found.order_id, found.is_done) == (row.order_id, done)


def test_r23_resolve_says_none_of_an_order_that_never_arrived(sim: Simulator, client: TradeClient) -> None:
    sim.faults.swallow_command("add_order")
    with pytest.raises(OutcomeUnknown) as caught:
        client.place_order(AAPL, "BUY", 1, 190, timeout=0.2)
    assert client.resolve(caught.value.client_order_id or "", AAPL) is None


@pytest.mark.parametrize("failing", ["get_user_orders", "get_order"])
def test_r23_resolve_does_not_say_none_when_a_query_failed(
    sim: Simulator, connect: Connect, failing: str
) -> None:
    client = connect(sim, reconnect=QUICK)
    sim.faults.swallow_command("add_order")
    with pytest.raises(OutcomeUnknown) as caught:
        client.place_order(AAPL, "BUY", 1, 190, timeout=0.1)
    sim.faults.error_reply(failing, "ServerError", times=None)
    with pytest.raises(OutcomeUnknown):
        client.resolve(caught.value.client_order_id or "", AAPL, timeout=1.5)


@live_only
def test_r23_resolve_does_not_say_none_without_the_history(sim: Simulator) -> None:
    from qfex import Environment

    nowhere = Environment(sim.environment.trade_url, sim.environment.market_data_url, "http://127.0.0.1:9")
    with TradeClient(nowhere, sim.credentials) as client, pytest.raises(OutcomeUnknown):
        client.resolve("never-placed", AAPL, timeout=1.5)


def test_r26_resolve_finds_an_order_when_one_of_its_queries_gets_no_reply(
    sim: Simulator, client: TradeClient
) -> None:
    placed = client.place_order(AAPL, "BUY", 1, 190)
    sim.faults.swallow_reply("get_user_orders")
    found = client.resolve(placed.client_order_id, AAPL, timeout=5)
    assert found is not None and found.order_id == placed.order_id
