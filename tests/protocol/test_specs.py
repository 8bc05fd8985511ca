"""The row of every command: each has one, and each cell is what the exchange's documentation or behaviour asks for.

`ROWS` and `KEYS` say independently what the cells of `SPECS` must be. Which message answers which command is tested in
`test_answers`. ``python -m tests.mutants`` changes the cells one by one and expects a failure for each.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from decimal import Decimal as D
from typing import Any, get_args

import attrs
import pytest

from qfex import CancelIdType, Channel, MarketChannel, OpenOrders, OrderType, Side, Twap
from qfex.protocol.command import Bucket, Command, CommandSpec, Keys
from qfex.protocol.connection import Inquiry
from qfex.protocol.market import commands as market
from qfex.protocol.market.commands import SPECS as MARKET_SPECS
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.messages import Ack, Subscribed
from qfex.protocol.trade.requests import RequestTable
from qfex.protocol.trade.specs import SPECS as TRADE_SPECS

from .in_flight import AAPL, limit, modify, order, stop

SPECS: Mapping[type[Command], CommandSpec] = ChainMap(TRADE_SPECS, MARKET_SPECS)  # a view of both, not a copy


def subclasses(kind: type[Command]) -> set[type[Command]]:
    found = set(kind.__subclasses__())
    return found.union(*(subclasses(each) for each in found))


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    # An inquiry is not sent on the socket, so none of the cells applies to it.
    sent = subclasses(Command) - {Inquiry} - subclasses(Inquiry)
    commands = {kind for kind in sent if kind.__module__.startswith("qfex.")}
    assert {kind for kind in commands if kind.__module__ == c.__name__} == set(TRADE_SPECS)
    assert {kind for kind in commands if kind.__module__ == market.__name__} == set(MARKET_SPECS)
    assert commands == set(SPECS)


# --- cells that are the same for every command of a type --------------------------------------------------------

#: Messages of every kind that more than one request may wait for.
MESSAGES: dict[str, Any] = {
    "update": order("ACK"),
    "cancellation": order("CANCELLED"),
    "no such order": order("NO_SUCH_ORDER"),
    "refusal": order("REJECTED"),
    "list": OpenOrders(),
    "TWAP": Twap("w1", "t1"),
    "acknowledgement": Ack(None),
    "confirmation": Subscribed("order_responses"),
}
EVERYTHING = set(MESSAGES)


@attrs.frozen
class Row:
    """What the cells of a row must be; `shares` names the messages that other requests may take too.

    The weights are those of the exchange's current table; 1 where it publishes none.
    """

    weight: float
    bucket: str = "general"
    trading: bool = True
    shares: set[str] = attrs.field(factory=set)
    answered_by_bare_ack: bool = False
    places_order: bool = False


ROWS: dict[type[Command], Row] = {
    c.Authenticate: Row(0.0, trading=False, answered_by_bare_ack=True),
    c.Subscribe: Row(0.1, trading=False),
    c.Unsubscribe: Row(0.1, trading=False),
    c.AddOrder: Row(1.0, shares={"list"}, places_order=True),
    c.ClosePosition: Row(1.0, shares={"list"}, places_order=True),
    c.ModifyOrder: Row(1.0, shares={"no such order"}),
    c.CancelOrder: Row(1.0, "cancel", shares={"cancellation", "no such order"}),
    c.CancelAllOrders: Row(2.0, "cancel", shares=EVERYTHING, answered_by_bare_ack=True),
    c.CancelStopOrder: Row(
        1.0, "cancel", shares={"cancellation", "no such order"}, answered_by_bare_ack=True
    ),
    c.ModifyStopOrder: Row(1.0, answered_by_bare_ack=True),
    c.AddTwap: Row(1.0),
    c.SetLeverage: Row(0.1, answered_by_bare_ack=True),
    c.SetCancelOnDisconnect: Row(0.1, shares=EVERYTHING, answered_by_bare_ack=True),
    c.GetOrder: Row(2.0, trading=False, shares={"update", "cancellation", "no such order"}),
    c.GetUserOrders: Row(5.0, trading=False),
    c.GetUserTrades: Row(0.5, trading=False),
    c.GetLeverage: Row(0.1, trading=False),
    c.GetAvailableLeverage: Row(0.1, trading=False),
    market.MarketSubscribe: Row(0.0, trading=False),
    market.MarketUnsubscribe: Row(0.0, trading=False),
}


def name_of(value: Any) -> str | None:
    """A readable id for a command or its type, in parametrized tests."""
    return value.type if isinstance(value, Command) else getattr(value, "__name__", None)


def test_every_row_is_among_the_expected_ones() -> None:
    assert set(ROWS) == set(SPECS)


@pytest.mark.parametrize("kind", ROWS, ids=name_of)
def test_a_row_has_the_expected_cells(kind: type[Command]) -> None:
    spec, expected = SPECS[kind], ROWS[kind]
    shares = {name for name, message in MESSAGES.items() if spec.shares(message)}
    cells = (spec.weight, spec.bucket, spec.trading, shares, spec.answered_by_bare_ack, spec.places_order)
    assert cells == attrs.astuple(expected, recurse=False)
    assert spec.bucket in get_args(Bucket)


def test_queries_may_be_asked_again() -> None:
    queries = {kind for kind in TRADE_SPECS if kind.type.startswith("get_")}
    assert len(queries) == 5 and not any(TRADE_SPECS[kind].trading for kind in queries)


def test_every_message_that_a_row_names_is_looked_at() -> None:
    assert {kind for spec in TRADE_SPECS.values() for kind in spec.answers} <= RequestTable.answering


# --- names and exclusive keys ------------------------------------------------------------------------------------

CANCEL_STOP = c.CancelStopOrder("s1")
MODIFY_STOP = c.ModifyStopOrder("s1", AAPL, D(171), D(2))
BBO = (MarketChannel.BBO, ("A",))

#: A command, the names by which a message may find it, and its exclusive keys.
KEYS: list[tuple[Command, Keys, Keys]] = [
    (c.Authenticate({"jwt": "t"}), ("auth",), ()),
    (
        c.Subscribe((Channel.ORDERS, Channel.FILLS)),
        ("subscribe",),
        (("subscription", "order_responses"), ("subscription", "fills")),
    ),
    (c.Unsubscribe((Channel.FILLS,)), ("unsubscribe",), (("subscription", "fills"),)),
    (limit("c1"), ("c1",), ()),
    (limit("c1", order_type=OrderType.MARKET), ("c1",), ()),
    (limit("c1", order_type=OrderType.ALO, take_profit=D(200), stop_loss=D(150)), ("c1",), ()),
    (stop("c1"), ("c1",), (("terms", AAPL, Side.SELL, OrderType.STOP_LOSS, D(170), D(1)),)),
    (c.ClosePosition(AAPL, "c1"), ("c1",), ()),
    (
        modify("o1", client_order_id="c1"),
        ("o1", "c1"),
        (("order", "o1"), ("terms", AAPL, Side.BUY, OrderType.LIMIT, D(181), D(2))),
    ),
    (
        modify("o1", client_order_id=None),
        ("o1",),
        (("order", "o1"), ("terms", AAPL, Side.BUY, OrderType.LIMIT, D(181), D(2))),
    ),
    (c.CancelOrder(AAPL, "o1"), ("o1",), ()),
    (c.CancelOrder(AAPL, "c1", CancelIdType.CLIENT_ORDER_ID), ("c1",), ()),
    (c.CancelAllOrders(), ("cancel_all_orders",), ("cancel_all_orders",)),
    (CANCEL_STOP, ("s1", "cancel_stop_order"), (("stop", "s1"),)),
    (MODIFY_STOP, ("s1", "modify_stop_order"), (("stop", "s1"),)),
    (c.AddTwap(AAPL, Side.BUY, D(10), 5, 30, False, "t1"), ("t1",), ()),
    (c.SetLeverage(AAPL, D(5)), ("set_user_leverage",), ("set_user_leverage",)),
    (c.SetCancelOnDisconnect(True), ("cancel_on_disconnect",), ("cancel_on_disconnect",)),
    (c.GetOrder(AAPL, "o1"), ("o1",), ("orders",)),
    (c.GetUserOrders(), ("get_user_orders",), ("orders",)),
    (c.GetUserTrades(), ("get_user_trades",), ("get_user_trades",)),
    (c.GetLeverage(), ("get_user_leverage",), ("get_user_leverage",)),
    (c.GetAvailableLeverage(), ("get_available_leverage_levels",), ("get_available_leverage_levels",)),
    (market.MarketSubscribe(*BBO), ("subscribe",), ()),
    (market.MarketUnsubscribe(*BBO), ("unsubscribe",), ()),
]


def test_every_command_has_its_expected_keys() -> None:
    assert {type(command) for command, _, _ in KEYS} == set(SPECS)


@pytest.mark.parametrize("command, named_by, exclusive", KEYS, ids=name_of)
def test_a_command_is_found_by_its_names_and_holds_its_exclusive_keys(
    command: Command, named_by: Keys, exclusive: Keys
) -> None:
    spec = SPECS[type(command)]
    assert (spec.named_by(command), spec.exclusive(command)) == (named_by, exclusive)


def exclusive_keys(command: Command) -> set[Any]:
    return set(SPECS[type(command)].exclusive(command))


@pytest.mark.parametrize(
    "one, other",
    [
        (c.CancelAllOrders(), c.CancelAllOrders()),
        (c.SetLeverage("A", D(1)), c.SetLeverage("B", D(2))),
        (c.SetCancelOnDisconnect(True), c.SetCancelOnDisconnect(False)),
        (c.GetOrder("A", "o"), c.GetUserOrders()),
        (c.GetUserTrades(), c.GetUserTrades("o")),
        (c.GetLeverage(), c.GetLeverage(5)),
        (c.GetAvailableLeverage(), c.GetAvailableLeverage(5)),
        (c.Subscribe((Channel.FILLS,)), c.Unsubscribe((Channel.FILLS, Channel.ORDERS))),
        (CANCEL_STOP, MODIFY_STOP),
        (stop("c1", "170.5"), stop("c9", "170.50")),
        (modify("o1"), modify("o1", "1", "1", symbol="B", side=Side.SELL)),
        (modify("o1"), modify("o2")),
    ],
    ids=name_of,
)
def test_two_commands_whose_replies_look_the_same_are_never_in_flight_together(
    one: Command, other: Command
) -> None:
    assert exclusive_keys(one) & exclusive_keys(other)


@pytest.mark.parametrize(
    "one, other",
    [
        (c.GetLeverage(), c.GetAvailableLeverage()),
        (c.Subscribe((Channel.FILLS,)), c.Subscribe((Channel.ORDERS,))),
        (CANCEL_STOP, c.CancelStopOrder("s2")),
        (modify("o1"), modify("o2", "182")),
    ],
    ids=name_of,
)
def test_two_commands_whose_replies_differ_may_be_in_flight_together(one: Command, other: Command) -> None:
    assert exclusive_keys(one) and not exclusive_keys(one) & exclusive_keys(other)
