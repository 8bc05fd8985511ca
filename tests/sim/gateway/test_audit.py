"""The audit trail of received commands, order changes and fills."""

from __future__ import annotations

from .helpers import AAPL, GatewayHarness


def test_commands_are_counted_by_their_ids(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    for _ in range(2):
        client.order("BUY", 1, 199, client_order_id="twice")
    client.order("BUY", 1, 199, client_order_id="once")
    audit = any_harness.audit
    assert audit.count("add_order", "twice") == 2
    assert audit.count("add_order") == 3
    assert audit.counts("add_order") == {"twice": 2, "once": 1}
    assert audit.count("cancel_order", "twice") == 0


def test_orders_have_their_newest_state(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    order = client.placed("BUY", 1, 199, client_order_id="mine")
    client.send("cancel_all_orders")
    assert {id_: row.status for id_, row in any_harness.audit.orders("mine").items()} == {
        order["order_id"]: "CANCELLED"
    }
    assert any_harness.audit.orders("other") == {}


def test_both_sides_of_every_fill_are_kept(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    any_harness.connect().order("BUY", 1, 200)
    alice, bob = (any_harness.audit.fills_of(key.user_id) for key in (any_harness.alice, any_harness.bob))
    assert [fill.side for fill in alice + bob] == ["BUY", "SELL"]


def test_a_malformed_message_is_counted_but_not_a_received_command(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=[])
    before = len(any_harness.audit.received), any_harness.audit.frames_in
    client.text("nonsense")
    assert (len(any_harness.audit.received), any_harness.audit.frames_in) == (before[0], before[1] + 1)


def test_a_refused_command_is_a_received_command(any_harness: GatewayHarness) -> None:
    any_harness.connect_unauthenticated().send("close_position", symbol=AAPL, client_order_id="early")
    entry = any_harness.audit.received[-1]
    assert (entry.command, entry.account_id, entry.identifier) == ("close_position", None, "early")


def test_credentials_are_not_recorded(any_harness: GatewayHarness) -> None:
    any_harness.connect(channels=[])
    entry = next(entry for entry in any_harness.audit.received if entry.command == "auth")
    assert entry.params == {}


def test_a_copy_does_not_change(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    copy = any_harness.audit.copy()
    client.placed("BUY", 1, 199)
    assert len(copy.changes) == 0
    assert len(any_harness.audit.changes) == 1
