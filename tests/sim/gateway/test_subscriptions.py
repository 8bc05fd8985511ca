"""Who is told what."""

from __future__ import annotations

import pytest

from .helpers import AAPL, Floor, bodies, code, statuses


def test_each_channel_is_confirmed_by_a_frame_of_its_own(either: Floor) -> None:
    client = either.connect(channels=[])
    assert client.send("subscribe", channels=["fills", "order_responses"]) == [
        {"subscribed": "fills"},
        {"subscribed": "order_responses"},
    ]
    assert client.send("unsubscribe", channels=["fills"]) == [{"unsubscribed": "fills"}]


def test_subscribing_twice_confirms_twice_and_tells_once(either: Floor) -> None:
    client = either.connect(channels=["order_responses"])
    assert client.send("subscribe", channels=["order_responses"]) == [{"subscribed": "order_responses"}]
    assert statuses(client.order("BUY", 1, 199)) == ["ACK"]


def test_the_leaderboard_alone_minds_being_subscribed_twice(either: Floor) -> None:
    client = either.connect(channels=["leaderboard"])
    assert code(client.send("subscribe", channels=["leaderboard"])) == "AlreadySubscribedToLeaderboard"


def test_an_unknown_channel_is_no_channel(either: Floor) -> None:
    client = either.connect(channels=[])
    assert code(client.send("subscribe", channels=["orders"])) == "InvalidJSONFormat"


def test_without_subscription_an_order_is_answered_by_nothing(either: Floor) -> None:
    client = either.connect(channels=[])
    assert client.order("BUY", 1, 199) == []
    assert len(client.send("get_user_orders")[0]["all_orders_response"]["orders"]) == 1


def test_after_unsubscribing_nothing_more_comes(either: Floor) -> None:
    client = either.connect(channels=["order_responses"])
    client.send("unsubscribe", channels=["order_responses"])
    assert client.order("BUY", 1, 199) == []


def test_errors_need_no_subscription(either: Floor) -> None:
    client = either.connect(channels=[])
    assert code(client.send("add_order", symbol=AAPL)) == "InvalidJSONFormat"


def test_every_subscribed_connection_of_the_account_is_told(either: Floor) -> None:
    sender, listener, deaf = either.connect(), either.connect(), either.connect(channels=["fills"])
    stranger = either.connect(either.bob)
    ack = sender.placed("BUY", 1, 199)
    assert listener.orders() == [ack]
    assert deaf.read() == stranger.read() == []


def test_the_two_sides_of_a_trade_are_told_apart(either: Floor) -> None:
    alice, bob = either.connect(), either.connect(either.bob)
    bob.placed("SELL", 1, 200)
    mine = bodies(alice.order("BUY", 1, 200), "fill_response")
    theirs = bodies(bob.read(), "fill_response")
    assert [fill["side"] for fill in mine + theirs] == ["BUY", "SELL"]
    assert {fill["aggressor_side"] for fill in mine + theirs} == {"BUY"}
    assert mine[0]["trade_id"] == theirs[0]["trade_id"]
    assert mine[0]["user_id"] == either.alice.user_id


def test_a_trade_tells_the_order_and_the_fill_to_those_who_asked(either: Floor) -> None:
    either.connect(either.bob).placed("SELL", 1, 200)
    orders = either.connect(channels=["order_responses"])
    fills = either.connect(channels=["fills"])
    assert statuses(orders.order("BUY", 1, 200)) == ["ACK", "FILLED"]
    assert [list(message) for message in fills.read()] == [["fill_response"]]


@pytest.mark.parametrize(
    ("channel", "kind"), [("positions", "position_response"), ("balances", "balance_response")]
)
def test_pulsed_channels_start_with_a_snapshot_and_go_on_every_second(
    either: Floor, channel: str, kind: str
) -> None:
    client = either.connect(channels=[])
    first = client.send("subscribe", channels=[channel])
    assert first[0] == {"subscribed": channel}
    expected = {"positions": 2, "balances": 1}[channel]
    assert len(bodies(first, kind)) == expected
    either.clock.advance(0.99)
    assert client.read() == []
    either.clock.advance(0.01)
    assert len(bodies(client.read(), kind)) == expected
    either.clock.advance(3)
    assert len(bodies(client.read(), kind)) == 3 * expected


def test_one_position_frame_for_each_symbol_empty_ones_too(either: Floor) -> None:
    client = either.connect(channels=["positions"])
    either.clock.advance(1)
    rows = bodies(client.read(), "position_response")
    assert [row["symbol"] for row in rows] == [AAPL, "GOLD-USD"]
    assert {row["position"] for row in rows} == {0.0}


def test_a_long_jump_pulses_at_its_end_and_not_86400_times(either: Floor) -> None:
    client = either.connect(channels=["balances"])
    either.clock.advance(86_400)
    pulses = bodies(client.read(), "balance_response")
    assert 1 <= len(pulses) < 1_000


def test_the_position_follows_a_trade(either: Floor) -> None:
    either.connect(either.bob).placed("SELL", 2, 200)
    client = either.connect(channels=["positions", "balances"])
    client.order("BUY", 2, 200)
    either.clock.advance(1)
    messages = client.read()
    held = bodies(messages, "position_response")[0]
    assert (held["position"], held["average_price"]) == (2.0, 200.0)
    balance = bodies(messages, "balance_response")[0]
    assert balance["fees"] == pytest.approx(0.4)
    assert balance["deposit"] == 100_000.0
