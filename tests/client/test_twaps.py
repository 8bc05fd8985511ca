"""TWAPs on the simulated clock: started, followed to their end, cancelled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from qfex import ApiError, Channel, Order, OrderRejected, TradeClient, Twap
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, Scripted
from tests.support.helpers import AAPL, PATIENCE, Connect, D, catch_up, next_event, sent


@pytest.fixture
def offered(client: TradeClient, counterparty: TradeClient) -> TradeClient:
    """A client in front of a book with ten shares on offer at 336."""
    counterparty.place_order(AAPL, "SELL", 10, 336)
    return client


def test_a_twap_starts(sim: Simulator, offered: TradeClient) -> None:
    twap = offered.add_twap(AAPL, "BUY", "4", 4, 60)
    assert isinstance(twap, Twap) and twap.twap_id and len(twap.client_twap_id or "") == 32
    assert (twap.symbol, twap.side, twap.total_quantity, twap.total_num_orders) == (AAPL, "BUY", 4, 4)
    assert (twap.order_interval_secs, twap.reduce_only) == (60, False)
    assert twap.created_at is not None and twap.user_id == sim.account_id(sim.credentials)
    (params,) = sent(sim, "add_twap")
    assert params["reduce_only"] is False and params["client_twap_id"] == twap.client_twap_id
    (listed,) = offered.get_user_orders().twaps
    assert (listed.twap_id, listed.client_twap_id) == (twap.twap_id, twap.client_twap_id)


def test_a_twap_takes_whole_numbers_of_any_type(sim: Simulator, offered: TradeClient) -> None:
    offered.add_twap(AAPL, "BUY", 4.0, 2.0, D(30), client_twap_id="mine", reduce_only=True)  # type: ignore[arg-type]
    (params,) = sent(sim, "add_twap")
    assert (params["num_orders"], params["order_interval_secs"], params["client_twap_id"]) == (2, 30, "mine")
    assert params["reduce_only"] is True


def test_a_twap_is_followed_to_its_end(sim: Simulator, offered: TradeClient) -> None:
    twap = offered.add_twap(AAPL, "BUY", 4, 4, 60, client_twap_id="rebalance")
    progress: list[Twap] = []

    def advance(now: Twap) -> None:
        progress.append(now)
        sim.advance(60)

    with offered.stream(Channel.TWAPS) as updates, offered.stream(Channel.FILLS) as fills:
        sim.advance(60)
        done = offered.wait_until_twap_done(twap, timeout=30.0, on_progress=advance)
        assert (done.filled_quantity, done.quantity_remaining, done.average_fill_price) == (4, 0, 336)
        assert [each.filled_quantity for each in progress] == [2, 3, 4]
        assert [next_event(updates) for _ in progress] == progress
        assert done == progress[-1] and done.status != twap.status
        assert sum(next_event(fills).quantity for _ in range(3)) == 3
    assert offered.get_user_orders().twaps == []


@pytest.mark.parametrize("name", ["twap_id", "client_twap_id"])
def test_a_twap_can_be_followed_by_either_of_its_ids(sim: Simulator, offered: TradeClient, name: str) -> None:
    twap = offered.add_twap(AAPL, "BUY", 2, 2, 30)
    sim.advance(30)
    done = offered.wait_until_twap_done(getattr(twap, name), timeout=PATIENCE)
    assert (done.twap_id, done.filled_quantity) == (twap.twap_id, 2)


def test_waiting_for_a_twap_returns_its_newest_state_after_the_timeout(offered: TradeClient) -> None:
    twap = offered.add_twap(AAPL, "BUY", 4, 4, 60)
    newest = offered.wait_until_twap_done(twap, timeout=0.1)
    assert (newest.twap_id, newest.filled_quantity) == (twap.twap_id, 1)


def test_without_a_timeout_a_twap_is_followed_as_long_as_it_takes(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, request_timeout=0.4)
    twap = client.add_twap(AAPL, "BUY", 2, 2, 30)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(client.wait_until_twap_done, twap)
        while (
            sim.ledger.count("get_user_orders") < 3 and not wait.done()
        ):  # the third is sent after 0.6 seconds
            catch_up(client)
        sim.advance(30)
        assert wait.result(PATIENCE).status != twap.status


@pytest.mark.parametrize("by", ["twap", "client id"])
def test_a_cancelled_twap_keeps_its_fills(sim: Simulator, offered: TradeClient, by: str) -> None:
    twap = offered.add_twap(AAPL, "BUY", 4, 4, 60, client_twap_id="t1")
    sim.advance(60)
    cancelled = offered.cancel_twap(twap) if by == "twap" else offered.cancel_twap("t1", symbol=AAPL)
    assert isinstance(cancelled, (Twap, Order))
    assert not isinstance(cancelled, Twap) or cancelled.filled_quantity == 2
    assert offered.get_user_orders().twaps == []
    sim.advance(600)
    done = offered.wait_until_twap_done(twap, timeout=PATIENCE)
    assert done.filled_quantity == 2 and "CANCEL" in done.status
    with pytest.raises(OrderRejected):
        offered.cancel_twap(twap)


@pytest.mark.parametrize("by", ["twap", "client id"])
def test_a_twap_cancel_that_is_only_acknowledged_returns_the_known_twap(
    sim: Simulator, offered: TradeClient, by: str
) -> None:
    twap = offered.add_twap(AAPL, "BUY", 4, 4, 60, client_twap_id="t1")
    sim.faults.swallow_reply("cancel_order")
    with ThreadPoolExecutor() as pool:
        if by == "twap":
            cancelling = pool.submit(offered.cancel_twap, twap)
        else:
            cancelling = pool.submit(offered.cancel_twap, "t1", symbol=AAPL)
        while sim.ledger.count("cancel_order") == 0:
            catch_up(offered)
        echo = {"type": "cancel_order", "params": sent(sim, "cancel_order")[0]}
        sim.faults.inject({"ack": {"incoming_message": echo}})
        cancelled = cancelling.result(PATIENCE)
    known = twap if by == "twap" else Twap("", "t1", AAPL)
    assert cancelled == known


def test_without_the_history_a_finished_twap_is_returned_as_last_seen(
    sim: Simulator, offered: TradeClient
) -> None:
    twap = offered.add_twap(AAPL, "BUY", 2, 2, 30)
    offered._history._environment = attrs.evolve(offered._history._environment, rest_url="http://127.0.0.1:9")
    sim.advance(30)
    assert offered.wait_until_twap_done(twap, timeout=PATIENCE) == twap


def test_a_thin_book_fills_part_of_a_twap(
    sim: Simulator, client: TradeClient, counterparty: TradeClient
) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 336)
    twap = client.add_twap(AAPL, "BUY", 4, 2, 30)
    sim.advance(30)
    assert client.wait_until_twap_done(twap, timeout=PATIENCE).filled_quantity == 1


def test_a_twap_can_be_refused_by_the_exchange(client: TradeClient) -> None:
    with pytest.raises(ApiError) as refused:
        client.add_twap("NO-SUCH", "BUY", 10, 5, 30)
    assert (
        refused.value.error_code == "InvalidParameter" and type(refused.value).__name__ == "InvalidParameter"
    )
    assert refused.value.incoming_message["type"] == "add_twap"
    with pytest.raises(ApiError, match="min|least"):
        client.add_twap(AAPL, "BUY", "0.011", 2, 30)  # children below the minimum


def test_the_child_orders_of_a_twap_are_orders_of_the_account(sim: Simulator, offered: TradeClient) -> None:
    with offered.stream(Channel.ORDERS) as orders:
        offered.add_twap(AAPL, "BUY", 2, 2, 30)
        child = next_event(orders, lambda order: order.is_done)
    assert (child.order_type, child.quantity_filled) == ("MARKET", 1)
    assert [row.quantity for row in offered.get_user_trades()] == [1]


def test_two_twaps_are_followed_separately(sim: Simulator, connect: Connect, offered: TradeClient) -> None:
    one = offered.add_twap(AAPL, "BUY", 4, 4, 60, client_twap_id="a")
    other = offered.add_twap(AAPL, "BUY", 2, 2, 60, client_twap_id="b")
    sim.advance(60)
    assert offered.wait_until_twap_done(other, timeout=PATIENCE).filled_quantity == 2
    assert [each.twap_id for each in offered.get_user_orders().twaps] == [one.twap_id]
    catch_up(offered)


def done_callback(error: Exception) -> Any:
    def fail(_: Twap) -> None:
        raise error

    return fail


def test_an_exception_in_a_progress_callback_reaches_the_caller(sim: Simulator, offered: TradeClient) -> None:
    twap = offered.add_twap(AAPL, "BUY", 2, 2, 30)
    with pytest.raises(ZeroDivisionError):
        offered.wait_until_twap_done(twap, timeout=PATIENCE, on_progress=done_callback(ZeroDivisionError()))


def test_a_twap_is_cancelled_by_value_or_by_either_of_its_ids(scripted: Scripted) -> None:
    cancels: list[Message] = []

    def script(peer: Peer) -> None:
        peer.accept()
        while True:
            request = peer.receive()
            kind, params = request["type"], request["params"]
            if kind == "cancel_order":
                cancels.append(params)
            client_id = params.get("client_twap_id", "mine")
            peer.send({"twap_response": {"twap_id": "t1", "client_twap_id": client_id, "symbol": AAPL}})

    _, client = scripted(script)
    twap = client.add_twap(AAPL, "BUY", 10, 2, 30, client_twap_id="mine")
    named: list[Any] = [twap, "t1", "mine"]
    for name in named:
        assert isinstance(client.cancel_twap(name, symbol=AAPL), Twap)
    client.cancel_twap("t1")  # its symbol is known
    kinds = [(cancel["order_id"], cancel["cancel_order_id_type"]) for cancel in cancels]
    assert kinds == [("t1", "twap_id"), ("t1", "twap_id"), ("mine", "client_twap_id"), ("t1", "twap_id")]


@pytest.mark.parametrize("twap", [5, None, ""])
def test_waiting_for_a_twap_needs_a_twap_or_an_id(scripted: Scripted, twap: Any) -> None:
    _, client = scripted(lambda peer: peer.accept())
    with pytest.raises(ValueError, match="twap"):
        client.wait_until_twap_done(twap, timeout=1)
