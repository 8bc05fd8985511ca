"""What the simulator writes down."""

from __future__ import annotations

from .helpers import AAPL, Floor


def test_commands_are_counted_by_their_ids(either: Floor) -> None:
    client = either.connect()
    for _ in range(2):
        client.order("BUY", 1, 199, client_order_id="twice")
    client.order("BUY", 1, 199, client_order_id="once")
    ledger = either.ledger
    assert ledger.count("add_order", "twice") == 2
    assert ledger.count("add_order") == 3
    assert ledger.counts("add_order") == {"twice": 2, "once": 1}
    assert ledger.count("cancel_order", "twice") == 0


def test_an_order_is_known_by_its_newest_state(either: Floor) -> None:
    client = either.connect()
    order = client.placed("BUY", 1, 199, client_order_id="mine")
    client.send("cancel_all_orders")
    assert {id_: row.status for id_, row in either.ledger.orders("mine").items()} == {
        order["order_id"]: "CANCELLED"
    }
    assert either.ledger.orders("other") == {}


def test_both_sides_of_every_fill_are_kept(either: Floor) -> None:
    either.connect(either.bob).placed("SELL", 1, 200)
    either.connect().order("BUY", 1, 200)
    alice, bob = (either.ledger.fills_of(key.user_id) for key in (either.alice, either.bob))
    assert [fill.side for fill in alice + bob] == ["BUY", "SELL"]


def test_what_is_no_command_is_not_received_but_counted(either: Floor) -> None:
    client = either.connect(channels=[])
    before = len(either.ledger.received), either.ledger.frames_in
    client.text("nonsense")
    assert (len(either.ledger.received), either.ledger.frames_in) == (before[0], before[1] + 1)


def test_commands_that_are_refused_were_received_all_the_same(either: Floor) -> None:
    either.stranger().send("close_position", symbol=AAPL, client_order_id="early")
    entry = either.ledger.received[-1]
    assert (entry.command, entry.account_id, entry.identifier) == ("close_position", None, "early")


def test_no_proof_of_identity_is_kept(either: Floor) -> None:
    either.connect(channels=[])
    entry = next(entry for entry in either.ledger.received if entry.command == "auth")
    assert entry.params == {}


def test_a_copy_stands_still(either: Floor) -> None:
    client = either.connect()
    copy = either.ledger.copy()
    client.placed("BUY", 1, 199)
    assert len(copy.changes) == 0
    assert len(either.ledger.changes) == 1
