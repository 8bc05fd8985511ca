"""Every command of the trade gateway with what there is to know of it: one row a command.

The weights are those of the exchange's current rate-limit table. Which message answers which command is known from the
exchange's documentation, its official clients, and clients that run against production.
"""

from __future__ import annotations

from ...models.orders import OpenOrders, Order, StopOrder
from ...models.twaps import Twap
from ..command import Command, CommandSpec, Keys, by_type
from . import answers
from . import commands as c
from .messages import Ack, Authenticated, Leverages, Subscribed, Trades, Unsubscribed

#: The key that all queries share whose reply may be a list of orders.
ORDER_LIST = ("orders",)


def _by_order_id(command: c.CancelOrder | c.GetOrder) -> Keys:
    return (command.order_id,)


def _by_client_order_id(command: c.AddOrder | c.ClosePosition | c.AddTwap) -> Keys:
    return (command.client_order_id,)


def _by_both_ids(command: c.ModifyOrder) -> Keys:
    return (command.order_id, command.client_order_id) if command.client_order_id else (command.order_id,)


def _by_stop_id(command: c.CancelStopOrder | c.ModifyStopOrder) -> Keys:
    return (command.order_id, command.type)


def _channels(command: c.Subscribe) -> Keys:
    return tuple(("subscription", channel) for channel in command.channels)


def _terms_of_a_stop(command: c.AddOrder) -> Keys:
    # The reply to a stop may have a blank client order id; then only its terms identify it.
    return (command.terms,) if command.order_type.is_stop else ()


def _order_and_terms(command: c.ModifyOrder) -> Keys:
    # The reply has a new order id, and sometimes no client order id: the terms must not be in use twice.
    return (("order", command.order_id), command.terms)


def _stop(command: c.CancelStopOrder | c.ModifyStopOrder) -> Keys:
    return (("stop", command.order_id),)


def _order_list(command: Command) -> Keys:
    return ORDER_LIST


SPECS: dict[type[Command], CommandSpec] = {
    c.Authenticate: CommandSpec(
        weight=0.0,
        trading=False,
        answers={Authenticated: answers.authenticated, Ack: answers.acknowledges_login},
        answered_by_bare_ack=True,
    ),
    c.Subscribe: CommandSpec(
        weight=0.1,
        trading=False,
        exclusive=_channels,
        answers={Subscribed: answers.confirmed},
    ),
    c.Unsubscribe: CommandSpec(
        weight=0.1,
        trading=False,
        exclusive=_channels,
        answers={Unsubscribed: answers.confirmed},
    ),
    c.AddOrder: CommandSpec(
        weight=1.0,
        named_by=_by_client_order_id,
        exclusive=_terms_of_a_stop,
        answers={Order: answers.placed, StopOrder: answers.placed_stop, OpenOrders: answers.placed_in_list},
        shares=answers.is_list,
        places_order=True,
    ),
    c.ClosePosition: CommandSpec(
        weight=1.0,
        named_by=_by_client_order_id,
        answers={Order: answers.placed, OpenOrders: answers.placed_in_list},
        shares=answers.is_list,
        places_order=True,
    ),
    c.ModifyOrder: CommandSpec(
        weight=1.0,
        named_by=_by_both_ids,
        exclusive=_order_and_terms,
        answers={Order: answers.modified},
        shares=answers.is_no_such_order,
    ),
    c.CancelOrder: CommandSpec(
        weight=1.0,
        bucket="cancel",
        named_by=_by_order_id,
        answers={Order: answers.cancelled, Twap: answers.twap_cancelled, Ack: answers.twap_acknowledged},
        shares=answers.is_end,
    ),
    c.CancelAllOrders: CommandSpec(
        weight=2.0,
        bucket="cancel",
        exclusive=by_type,
        answers={
            Order: answers.cancelled_by_cancel_all,
            Ack: answers.acknowledged_cancel_all,
            Subscribed: answers.settled_cancel_all,
        },
        shares=answers.is_any,
        answered_by_bare_ack=True,
    ),
    c.CancelStopOrder: CommandSpec(
        weight=1.0,
        bucket="cancel",
        named_by=_by_stop_id,
        exclusive=_stop,
        answers={Order: answers.cancelled_stop, StopOrder: answers.emptied_stop, Ack: answers.acknowledged},
        shares=answers.is_end,
        answered_by_bare_ack=True,
    ),
    c.ModifyStopOrder: CommandSpec(
        weight=1.0,
        named_by=_by_stop_id,
        exclusive=_stop,
        answers={Order: answers.modified_stop, StopOrder: answers.moved_stop, Ack: answers.acknowledged},
        answered_by_bare_ack=True,
    ),
    c.AddTwap: CommandSpec(
        weight=1.0,
        named_by=_by_client_order_id,
        answers={Twap: answers.twap_added},
    ),
    c.SetLeverage: CommandSpec(
        weight=0.1,
        exclusive=by_type,
        answers={Ack: answers.acknowledged},
        answered_by_bare_ack=True,
    ),
    c.SetCancelOnDisconnect: CommandSpec(
        weight=0.1,
        exclusive=by_type,
        answers={Ack: answers.acknowledged, Subscribed: answers.proven},
        shares=answers.is_any,
        answered_by_bare_ack=True,
    ),
    c.GetOrder: CommandSpec(
        weight=2.0,
        trading=False,
        named_by=_by_order_id,
        exclusive=_order_list,
        answers={Order: answers.found, OpenOrders: answers.found_in_list},
        shares=answers.is_state,
    ),
    c.GetUserOrders: CommandSpec(
        weight=5.0,
        trading=False,
        exclusive=_order_list,
        answers={OpenOrders: answers.listed},
    ),
    c.GetUserTrades: CommandSpec(
        weight=0.5,
        trading=False,
        exclusive=by_type,
        answers={Trades: answers.traded},
    ),
    c.GetLeverage: CommandSpec(
        weight=0.1,
        trading=False,
        exclusive=by_type,
        answers={Leverages: answers.leverages},
    ),
    c.GetAvailableLeverage: CommandSpec(
        weight=0.1,
        trading=False,
        exclusive=by_type,
        answers={Leverages: answers.leverages},
    ),
}
