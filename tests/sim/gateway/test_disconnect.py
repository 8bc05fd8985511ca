"""Cancel on disconnect, and the end of connections."""

from __future__ import annotations

from decimal import Decimal as D

from .helpers import AAPL, Client, GatewayHarness, code, statuses


def set_flag(client: Client, flag: bool = True) -> list[dict[str, object]]:
    """Set the cancel-on-disconnect flag."""
    return client.send("cancel_on_disconnect", cancel_on_disconnect=flag)


def open_orders(harness: GatewayHarness) -> int:
    """Return how many orders and stops alice has open."""
    return len(harness.exchange.open_orders(harness.alice.user_id))


def test_only_the_live_dialect_acknowledges_cancel_on_disconnect(
    harness: GatewayHarness, documented_harness: GatewayHarness
) -> None:
    echo = {"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}}
    assert set_flag(harness.connect()) == [{"ack": {"incoming_message": echo}}]
    assert set_flag(documented_harness.connect()) == []


def test_the_flag_is_a_bool(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    assert code(client.send("cancel_on_disconnect", cancel_on_disconnect=1)) == "InvalidJSONFormat"


def test_cancel_on_disconnect_cancels_the_orders_of_all_the_accounts_connections(
    any_harness: GatewayHarness,
) -> None:
    flagged, other, stranger = (
        any_harness.connect(),
        any_harness.connect(),
        any_harness.connect(any_harness.bob),
    )
    set_flag(flagged)
    for client, price in ((flagged, 198), (other, 199)):
        client.placed("BUY", 1, price)
    client.placed("BUY", 0.01, 4150, symbol="GOLD-USD")
    stranger.placed("BUY", 1, 197)
    other.read()
    flagged.disconnect()
    assert open_orders(any_harness) == 0
    assert statuses(other.read()) == ["CANCELLED"] * 3
    assert stranger.read() == []
    assert len(any_harness.exchange.open_orders(any_harness.bob.user_id)) == 1


def test_cancel_on_disconnect_cancels_stops_too(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    flagged = any_harness.connect()
    set_flag(flagged)
    flagged.order("BUY", 1, 200)
    flagged.order("SELL", 1, 190, order_type="STOP_LOSS")
    assert open_orders(any_harness) == 1
    flagged.disconnect()
    assert open_orders(any_harness) == 0


def test_without_the_flag_orders_stay_open(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    client.placed("BUY", 1, 199)
    client.disconnect()
    assert open_orders(any_harness) == 1


def test_a_cleared_flag_cancels_nothing(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    set_flag(client)
    client.placed("BUY", 1, 199)
    set_flag(client, False)
    client.disconnect()
    assert open_orders(any_harness) == 1


def test_the_flag_belongs_to_one_connection(any_harness: GatewayHarness) -> None:
    flagged, plain = any_harness.connect(), any_harness.connect()
    set_flag(flagged)
    plain.placed("BUY", 1, 199)
    plain.disconnect()
    assert open_orders(any_harness) == 1


def test_disconnecting_twice_changes_nothing(any_harness: GatewayHarness) -> None:
    flagged, other = any_harness.connect(), any_harness.connect()
    set_flag(flagged)
    flagged.disconnect()
    other.placed("BUY", 1, 199)
    flagged.disconnect()
    assert open_orders(any_harness) == 1


def test_a_closed_connection_leaves_nothing_behind(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=["order_responses", "positions"])
    client.disconnect()
    any_harness.connect().placed("BUY", 1, 199)
    any_harness.clock.advance(1)
    assert client.read() == []
    assert client.session not in any_harness.gateway.sessions
    assert any_harness.gateway.subscriptions.accounts("positions") == []


def test_a_connection_may_end_before_it_authenticates(any_harness: GatewayHarness) -> None:
    client = any_harness.connect_unauthenticated()
    client.disconnect()
    any_harness.clock.advance(61)
    assert client.session.closing is None


def test_a_subaccounts_flag_does_not_affect_the_master(any_harness: GatewayHarness) -> None:
    from .helpers import signed

    sub = any_harness.accounts.create_subaccount(any_harness.alice.user_id)
    any_harness.exchange.deposit(sub, D(10_000))
    any_harness.connect().placed("BUY", 1, 199)
    flagged = any_harness.connect_unauthenticated()
    flagged.send("auth", **signed(any_harness.alice), account_id=sub)
    set_flag(flagged)
    flagged.order("BUY", 1, 198)
    flagged.disconnect()
    assert any_harness.exchange.open_orders(sub, AAPL) == []
    assert open_orders(any_harness) == 1
