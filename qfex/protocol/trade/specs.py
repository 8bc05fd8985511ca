"""Every command of the trade gateway with what there is to know of it: one row a command.

The weights are those of the exchange's current rate-limit table. Which message answers which command is known from the
exchange's documentation, its official clients, and clients that run against production.
"""

from __future__ import annotations

from ...models.orders import OpenOrders, Order, StopOrder
from ...models.twaps import Twap
from ..command import Command, CommandSpec, by_type
from . import answers
from . import commands as c
from .messages import Ack, Authenticated, Leverages, Subscribed, Trades, Unsubscribed

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
        exclusive=c.channel_keys,
        answers={Subscribed: answers.confirmed},
    ),
    c.Unsubscribe: CommandSpec(
        weight=0.1,
        trading=False,
        exclusive=c.channel_keys,
        answers={Unsubscribed: answers.confirmed},
    ),
    c.AddOrder: CommandSpec(
        weight=1.0,
        named_by=c.by_client_order_id,
        exclusive=c.terms_of_a_stop,
        answers={Order: answers.placed, StopOrder: answers.placed_stop, OpenOrders: answers.placed_in_list},
        shares=answers.is_list,
        places_order=True,
    ),
    c.ClosePosition: CommandSpec(
        weight=1.0,
        named_by=c.by_client_order_id,
        answers={Order: answers.placed, OpenOrders: answers.placed_in_list},
        shares=answers.is_list,
        places_order=True,
    ),
    c.ModifyOrder: CommandSpec(
        weight=1.0,
        named_by=c.by_both_ids,
        exclusive=c.order_and_terms,
        answers={Order: answers.modified},
        shares=answers.is_no_such_order,
    ),
    c.CancelOrder: CommandSpec(
        weight=1.0,
        bucket="cancel",
        named_by=c.by_order_id,
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
        named_by=c.by_stop_id,
        exclusive=c.stop_key,
        answers={Order: answers.cancelled_stop, StopOrder: answers.emptied_stop, Ack: answers.acknowledged},
        shares=answers.is_end,
        answered_by_bare_ack=True,
    ),
    c.ModifyStopOrder: CommandSpec(
        weight=1.0,
        named_by=c.by_stop_id,
        exclusive=c.stop_key,
        answers={Order: answers.modified_stop, StopOrder: answers.moved_stop, Ack: answers.acknowledged},
        answered_by_bare_ack=True,
    ),
    c.AddTwap: CommandSpec(
        weight=1.0,
        named_by=c.by_client_order_id,
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
        named_by=c.by_order_id,
        exclusive=c.order_list_key,
        answers={Order: answers.found, OpenOrders: answers.found_in_list},
        shares=answers.is_state,
    ),
    c.GetUserOrders: CommandSpec(
        weight=5.0,
        trading=False,
        exclusive=c.order_list_key,
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
