"""Cancel on disconnect, and the end of connections."""

from __future__ import annotations

from decimal import Decimal as D

from .helpers import AAPL, Client, Floor, code, statuses


def arm(client: Client, flag: bool = True) -> list[dict[str, object]]:
    """Send the flag."""
    return client.send("cancel_on_disconnect", cancel_on_disconnect=flag)


def open_orders(floor: Floor) -> int:
    """Return how many orders and stops alice has open."""
    return len(floor.exchange.open_orders(floor.alice.user_id))


def test_live_acknowledges_the_flag_and_documented_says_nothing(floor: Floor, pages: Floor) -> None:
    echo = {"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}}
    assert arm(floor.connect()) == [{"ack": {"incoming_message": echo}}]
    assert arm(pages.connect()) == []


def test_the_flag_is_a_bool(either: Floor) -> None:
    client = either.connect()
    assert code(client.send("cancel_on_disconnect", cancel_on_disconnect=1)) == "InvalidJSONFormat"


def test_all_of_the_accounts_orders_go_whoever_sent_them(either: Floor) -> None:
    armed, other, stranger = either.connect(), either.connect(), either.connect(either.bob)
    arm(armed)
    for client, price in ((armed, 198), (other, 199)):
        client.placed("BUY", 1, price)
    client.placed("BUY", 0.01, 4150, symbol="GOLD-USD")
    stranger.placed("BUY", 1, 197)
    other.read()
    armed.session.end()
    assert open_orders(either) == 0
    assert statuses(other.read()) == ["CANCELLED"] * 3
    assert stranger.read() == []
    assert len(either.exchange.open_orders(either.bob.user_id)) == 1


def test_stops_go_too(either: Floor) -> None:
    either.connect(either.bob).placed("SELL", 1, 200)
    armed = either.connect()
    arm(armed)
    armed.order("BUY", 1, 200)
    armed.order("SELL", 1, 190, order_type="STOP_LOSS")
    assert open_orders(either) == 1
    armed.session.end()
    assert open_orders(either) == 0


def test_without_the_flag_orders_stay(either: Floor) -> None:
    client = either.connect()
    client.placed("BUY", 1, 199)
    client.session.end()
    assert open_orders(either) == 1


def test_a_flag_taken_back_cancels_nothing(either: Floor) -> None:
    client = either.connect()
    arm(client)
    client.placed("BUY", 1, 199)
    arm(client, False)
    client.session.end()
    assert open_orders(either) == 1


def test_the_flag_belongs_to_one_connection(either: Floor) -> None:
    armed, plain = either.connect(), either.connect()
    arm(armed)
    plain.placed("BUY", 1, 199)
    plain.session.end()
    assert open_orders(either) == 1


def test_a_connection_ends_once(either: Floor) -> None:
    armed, other = either.connect(), either.connect()
    arm(armed)
    armed.session.end()
    other.placed("BUY", 1, 199)
    armed.session.end()
    assert open_orders(either) == 1


def test_nothing_is_kept_of_a_connection_that_is_gone(either: Floor) -> None:
    client = either.connect(channels=["order_responses", "positions"])
    client.session.end()
    either.connect().placed("BUY", 1, 199)
    either.clock.advance(1)
    assert client.read() == []
    assert client.session not in either.gateway.sessions
    assert either.gateway.subscriptions.accounts("positions") == []


def test_a_connection_may_end_before_it_authenticates(either: Floor) -> None:
    client = either.stranger()
    client.session.end()
    either.clock.advance(61)
    assert client.session.closing is None


def test_a_subaccounts_flag_leaves_the_master_alone(either: Floor) -> None:
    from .helpers import signed

    sub = either.accounts.create_subaccount(either.alice.user_id)
    either.exchange.deposit(sub, D(10_000))
    either.connect().placed("BUY", 1, 199)
    armed = either.stranger()
    armed.send("auth", **signed(either.alice), account_id=sub)
    arm(armed)
    armed.order("BUY", 1, 198)
    armed.session.end()
    assert either.exchange.open_orders(sub, AAPL) == []
    assert open_orders(either) == 1
