"""Subscriptions: which connection receives which messages."""

from __future__ import annotations

import pytest

from .helpers import AAPL, GatewayHarness, bodies, code, statuses


def test_each_channel_is_confirmed_by_a_frame_of_its_own(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=[])
    assert client.send("subscribe", channels=["fills", "order_responses"]) == [
        {"subscribed": "fills"},
        {"subscribed": "order_responses"},
    ]
    assert client.send("unsubscribe", channels=["fills"]) == [{"unsubscribed": "fills"}]


def test_subscribing_twice_confirms_twice_and_publishes_once(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=["order_responses"])
    assert client.send("subscribe", channels=["order_responses"]) == [{"subscribed": "order_responses"}]
    assert statuses(client.order("BUY", 1, 199)) == ["ACK"]


def test_only_the_leaderboard_refuses_a_second_subscription(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=["leaderboard"])
    assert code(client.send("subscribe", channels=["leaderboard"])) == "AlreadySubscribedToLeaderboard"


def test_an_unknown_channel_is_refused(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=[])
    assert code(client.send("subscribe", channels=["orders"])) == "InvalidJSONFormat"


def test_without_a_subscription_an_order_has_no_reply(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=[])
    assert client.order("BUY", 1, 199) == []
    assert len(client.send("get_user_orders")[0]["all_orders_response"]["orders"]) == 1


def test_after_unsubscribing_nothing_is_published(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=["order_responses"])
    client.send("unsubscribe", channels=["order_responses"])
    assert client.order("BUY", 1, 199) == []


def test_errors_need_no_subscription(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=[])
    assert code(client.send("add_order", symbol=AAPL)) == "InvalidJSONFormat"


def test_every_subscribed_connection_of_the_account_receives_the_order(any_harness: GatewayHarness) -> None:
    sender, subscribed, unsubscribed = (
        any_harness.connect(),
        any_harness.connect(),
        any_harness.connect(channels=["fills"]),
    )
    stranger = any_harness.connect(any_harness.bob)
    ack = sender.placed("BUY", 1, 199)
    assert subscribed.orders() == [ack]
    assert unsubscribed.read() == stranger.read() == []


def test_each_account_receives_its_own_side_of_a_trade(any_harness: GatewayHarness) -> None:
    alice, bob = any_harness.connect(), any_harness.connect(any_harness.bob)
    bob.placed("SELL", 1, 200)
    mine = bodies(alice.order("BUY", 1, 200), "fill_response")
    theirs = bodies(bob.read(), "fill_response")
    assert [fill["side"] for fill in mine + theirs] == ["BUY", "SELL"]
    assert {fill["aggressor_side"] for fill in mine + theirs} == {"BUY"}
    assert mine[0]["trade_id"] == theirs[0]["trade_id"]
    assert mine[0]["user_id"] == any_harness.alice.user_id


def test_orders_and_fills_of_a_trade_go_to_their_subscribers(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 1, 200)
    orders = any_harness.connect(channels=["order_responses"])
    fills = any_harness.connect(channels=["fills"])
    assert statuses(orders.order("BUY", 1, 200)) == ["ACK", "FILLED"]
    assert [list(message) for message in fills.read()] == [["fill_response"]]


@pytest.mark.parametrize(
    ("channel", "kind"), [("positions", "position_response"), ("balances", "balance_response")]
)
def test_periodic_channels_start_with_a_snapshot_and_repeat_every_second(
    any_harness: GatewayHarness, channel: str, kind: str
) -> None:
    client = any_harness.connect(channels=[])
    first = client.send("subscribe", channels=[channel])
    assert first[0] == {"subscribed": channel}
    expected = {"positions": 2, "balances": 1}[channel]
    assert len(bodies(first, kind)) == expected
    any_harness.clock.advance(0.99)
    assert client.read() == []
    any_harness.clock.advance(0.01)
    assert len(bodies(client.read(), kind)) == expected
    any_harness.clock.advance(3)
    assert len(bodies(client.read(), kind)) == 3 * expected


def test_there_is_a_position_message_for_every_symbol(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=["positions"])
    any_harness.clock.advance(1)
    rows = bodies(client.read(), "position_response")
    assert [row["symbol"] for row in rows] == [AAPL, "GOLD-USD"]
    assert {row["position"] for row in rows} == {0.0}


def test_a_long_jump_does_not_publish_86400_times(any_harness: GatewayHarness) -> None:
    client = any_harness.connect(channels=["balances"])
    any_harness.clock.advance(86_400)
    pulses = bodies(client.read(), "balance_response")
    assert 1 <= len(pulses) < 1_000


def test_the_position_follows_a_trade(any_harness: GatewayHarness) -> None:
    any_harness.connect(any_harness.bob).placed("SELL", 2, 200)
    client = any_harness.connect(channels=["positions", "balances"])
    client.order("BUY", 2, 200)
    any_harness.clock.advance(1)
    messages = client.read()
    held = bodies(messages, "position_response")[0]
    assert (held["position"], held["average_price"]) == (2.0, 200.0)
    balance = bodies(messages, "balance_response")[0]
    assert balance["fees"] == pytest.approx(0.4)
    assert balance["deposit"] == 100_000.0
