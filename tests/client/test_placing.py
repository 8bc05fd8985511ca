"""Placing orders of every type, and every reply that they can get."""

from __future__ import annotations

import string
from typing import Any

import pytest

from qfex import (
    ApiError,
    Order,
    OrderRejected,
    OrderStatus,
    OrderType,
    QfexError,
    Side,
    TimeInForce,
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, PATIENCE, Connect, D, catch_up, sent


def terms(order: Order) -> tuple[Any, ...]:
    return (order.symbol, order.side, order.order_type, order.time_in_force, order.quantity, order.price)


def test_a_price_makes_a_limit_order_that_rests(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", "1.5", "330.25")
    assert terms(order) == (AAPL, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, D("1.5"), D("330.25"))
    assert (order.status, order.quantity_remaining, order.is_live) == (OrderStatus.ACK, D("1.5"), True)
    assert order.trade_id is None and order.update_time is not None
    assert order.user_id == sim.account_id(sim.credentials)
    assert client.open_orders == {order.order_id: order}


def test_no_price_makes_a_market_order_that_fills(market: Simulator, connect: Connect) -> None:
    order = connect(market).place_order(AAPL, Side.SELL, 1, wait=True)
    assert (order.order_type, order.time_in_force) == (OrderType.MARKET, TimeInForce.IOC)
    assert (order.status, order.quantity_filled, order.is_done) == (OrderStatus.FILLED, 1, True)
    assert order.trade_id


def test_every_member_that_the_exchange_needs_is_sent(sim: Simulator, client: TradeClient) -> None:
    client.place_order(AAPL, "BUY", 1, 330)
    with pytest.raises(QfexError):
        client.place_order("NO-SUCH", "BUY", 1)
    limit, market = sent(sim, "add_order")
    assert limit["reduce_only"] is False and "take_profit" not in limit
    assert (market["price"], market["order_time_in_force"], market["order_type"]) == (0, "IOC", "MARKET")
    assert limit["client_order_id"] != market["client_order_id"]
    assert all(len(each["client_order_id"]) == 32 for each in (limit, market))
    assert set(limit["client_order_id"]) <= set(string.hexdigits)


def test_every_type_and_time_in_force(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 10, 335)
    for tif in TimeInForce:
        order = client.place_order(AAPL, "BUY", 1, 335, time_in_force=tif, wait=True)
        assert (order.time_in_force, order.status, order.quantity_filled) == (tif, OrderStatus.FILLED, 1)
    post_only = client.place_order(AAPL, "BUY", 1, 334, order_type="ALO")
    assert (post_only.order_type, post_only.time_in_force) == (OrderType.ALO, TimeInForce.GTC)
    market = client.place_order(AAPL, "BUY", 1, order_type=OrderType.MARKET, time_in_force="IOC", wait=True)
    assert market.quantity_filled == 1


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_an_ioc_or_fok_order_that_finds_no_counterparty_is_cancelled(client: TradeClient, tif: str) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, time_in_force=tif, wait=True)
    assert order.status.is_cancellation and order.quantity_filled == 0 and order.is_done
    assert client.open_orders == {}


def test_an_order_that_fills_in_parts_is_done_with_the_last(
    client: TradeClient, counterparty: TradeClient
) -> None:
    for price in ("335.00", "335.10", "335.20"):
        counterparty.place_order(AAPL, "SELL", 1, price)
    order = client.place_order(AAPL, "BUY", 3, 336, wait=True)
    assert (order.status, order.quantity_remaining) == (OrderStatus.FILLED, 0)
    assert order.price == 336  # its own price, not that of its fills


def test_the_rest_of_a_partly_filled_ioc_order_is_cancelled(
    sim: Simulator, client: TradeClient, counterparty: TradeClient, dialect: str
) -> None:
    counterparty.place_order(AAPL, "SELL", "0.4", 335)
    sim.faults.delay(
        0.05, kind="order_response", when=lambda frame: "IOC_" in frame["order_response"]["status"]
    )
    order = client.place_order(AAPL, "BUY", 1, 335, time_in_force="IOC", wait=True)
    assert order.is_done and order.quantity_filled == D("0.4")
    explicit = {"live": OrderStatus.IOC_PARTIALLY_FILLED, "documented": OrderStatus.FILLED}
    assert order.status is explicit[dialect]
    assert client.open_orders == {}


def test_a_post_only_order_never_takes(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 1, 335)
    with pytest.raises(OrderRejected) as refused:
        client.place_limit_order(AAPL, "BUY", 1, 335, post_only=True)
    assert refused.value.status.is_rejection and refused.value.order is not None
    assert client.place_limit_order(AAPL, "BUY", 1, 334, post_only=True).order_type is OrderType.ALO


def test_attached_stops_are_sent_with_the_order(sim: Simulator, client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, take_profit="350.5", stop_loss=320)
    assert (order.take_profit, order.stop_loss) == (D("350.5"), 320)
    (params,) = sent(sim, "add_order")
    assert (params["take_profit"], params["stop_loss"]) == (350.5, 320)


def test_a_reduce_only_order_only_reduces_a_position(client: TradeClient, counterparty: TradeClient) -> None:
    counterparty.place_order(AAPL, "SELL", 2, 335)
    client.place_order(AAPL, "BUY", 2, 335, wait=True)
    order = client.place_order(AAPL, "SELL", 1, 340, reduce_only=True)
    assert order.is_live
    with pytest.raises(QfexError):
        client.place_order(AAPL, "BUY", 1, 330, reduce_only=True)  # would increase the position


def test_the_callers_own_id_is_kept(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, client_order_id="my-order-1")
    assert order.client_order_id == "my-order-1"
    assert client.get_order(AAPL, "my-order-1").order_id == order.order_id


def test_two_orders_may_share_a_client_order_id(client: TradeClient) -> None:
    one, other = (client.place_order(AAPL, "BUY", 1, price, client_order_id="same") for price in (330, 331))
    assert one.order_id != other.order_id and (one.price, other.price) == (330, 331)


@pytest.mark.parametrize("number", [1, "1.0", 1.0, D("1.000")])
def test_numbers_of_every_kind_arrive_exactly(sim: Simulator, client: TradeClient, number: Any) -> None:
    assert client.place_order(AAPL, "BUY", number, 330.1).quantity == 1
    assert sent(sim, "add_order")[0]["price"] == D("330.1")


def test_limit_and_market_orders_have_short_forms(client: TradeClient, counterparty: TradeClient) -> None:
    limit = counterparty.place_limit_order(
        AAPL, "SELL", 3, "335.5", client_order_id="short", take_profit=300, stop_loss=350
    )
    assert terms(limit) == (AAPL, Side.SELL, OrderType.LIMIT, TimeInForce.GTC, 3, D("335.5"))
    assert (limit.client_order_id, limit.take_profit, limit.stop_loss) == ("short", 300, 350)
    market = client.place_market_order(AAPL, "BUY", 1, wait=True, client_order_id="m1")
    assert (market.order_type, market.quantity_filled, market.client_order_id) == (OrderType.MARKET, 1, "m1")
    fill_or_kill = client.place_limit_order(AAPL, "BUY", 3, 336, time_in_force="FOK", wait=True)
    assert fill_or_kill.status.is_cancellation
    assert client.place_market_order(AAPL, "SELL", 1, reduce_only=True).quantity == 1


def test_placing_and_waiting_returns_the_newest_state_after_the_timeout(client: TradeClient) -> None:
    order = client.place_order(AAPL, "BUY", 1, 330, wait=True, timeout=0.2)
    assert order.status is OrderStatus.ACK and not order.is_done


# --- refusals -----------------------------------------------------------------------------------------------


REFUSED: dict[str, dict[str, Any]] = {
    "price tick": {"price": "330.001"},
    "quantity lot": {"quantity": "1.0001"},
    "quantity too small": {"quantity": "0.001"},
    "quantity too large": {"quantity": "10000001"},
    "price above the band": {"price": 400},
    "price below the band": {"side": "SELL", "price": 200},
    "no such symbol": {"symbol": "NO-SUCH"},
    "too little money": {"quantity": 100_000},
    "take profit below a purchase": {"take_profit": 300},
}


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED)
def test_every_refusal_raises_and_leaves_no_order(
    sim: Simulator, client: TradeClient, changed: dict[str, Any]
) -> None:
    arguments = {
        "symbol": AAPL,
        "side": "BUY",
        "quantity": 1,
        "price": 330,
        "client_order_id": "refused",
        **changed,
    }
    with pytest.raises((OrderRejected, ApiError)) as refused:
        client.place_order(**arguments)
    error = refused.value
    if isinstance(error, OrderRejected):
        assert (
            error.status.is_rejection and error.order is not None and error.order.client_order_id == "refused"
        )
        assert error.order.is_done
    else:
        assert error.error_code.is_known and error.incoming_message["params"]["client_order_id"] == "refused"
    assert client.open_orders == {} and client.get_user_orders().orders == []
    assert sim.ledger.count("add_order") == 1


def test_a_read_only_key_cannot_place_orders(sim: Simulator, connect: Connect) -> None:
    viewer = connect(sim, sim.create_account(can_trade=False))
    with pytest.raises((OrderRejected, ApiError), match="(?i)permission"):
        viewer.place_order(AAPL, "BUY", 1, 330)
    assert viewer.get_user_orders().orders == []


# --- without waiting ----------------------------------------------------------------------------------------


def test_a_submitted_order_is_acknowledged_later(client: TradeClient) -> None:
    pending = client.submit_order(AAPL, "BUY", 1, 330, client_order_id="later")
    assert pending.client_order_id == "later"
    order = pending.result(PATIENCE)
    assert pending.done and order.client_order_id == "later" and order.is_live
    assert pending.result() == order
    assert repr(pending) == "<PendingOrder later answered>"


def test_a_submitted_order_has_its_client_order_id_at_once(sim: Simulator, client: TradeClient) -> None:
    held = sim.faults.hold_reply("add_order")
    pending = client.submit_order(AAPL, "BUY", 1, 330)
    assert len(pending.client_order_id) == 32 and not pending.done
    assert repr(pending) == f"<PendingOrder {pending.client_order_id}>"
    catch_up(client)
    held.release()
    assert pending.result().client_order_id == pending.client_order_id


def test_a_refused_submission_raises_when_its_result_is_read(client: TradeClient) -> None:
    pending = client.submit_order(AAPL, "BUY", 1, 400)
    for _ in range(2):
        with pytest.raises((OrderRejected, ApiError)):
            pending.result()
