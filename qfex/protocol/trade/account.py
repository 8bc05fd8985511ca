"""The state of an account, as the exchange's messages describe it. It outlives the connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from ...enums import Channel
from ...models.account import Balance, Position
from ...models.connection import ErrorEvent
from ...models.orders import Order
from ...models.twaps import Twap
from ...statuses import OrderStatus
from ..events import Event
from . import commands as c
from .fills import FillLog
from .orders import OrderTracker
from .requests import ExchangeQuirks

_TWAPS_KEPT = 10_000  # the newest ones, which can be cancelled by their TWAP id alone


class AccountState:
    """What is known of an account, and what its user wants of every connection.

    Attributes
    ----------
    channels : dict
        The channels that are subscribed on every connection.
    cancel_on_disconnect : bool
        Whether it is armed on every connection.
    missed : list of Event
        What a resync found, until it is delivered.
    fill_attempts : int
        On how many further connections missed fills are asked for before the client goes on without them.
    """

    FILL_ATTEMPTS = 2

    def __init__(self) -> None:
        self.channels: dict[Channel, None] = {Channel.ORDERS: None}
        self.cancel_on_disconnect = False
        self.orders = OrderTracker()
        self.fills = FillLog()
        self.positions: dict[str, Position] = {}
        self.balance: Balance | None = None
        self.twaps: dict[str, Twap] = {}
        self.quirks = ExchangeQuirks()
        self.missed: list[Event] = []
        self.fill_attempts = self.FILL_ATTEMPTS

    def note_twaps(self, twaps: Iterable[Twap]) -> None:
        """Remember TWAPs."""
        self.twaps.update((twap.twap_id, twap) for twap in twaps)
        while len(self.twaps) > _TWAPS_KEPT:
            del self.twaps[next(iter(self.twaps))]

    def change_stops(self, answered: Iterable[tuple[Any, Any]]) -> Iterator[Event]:
        """Apply cancels and modifies of stops that the exchange confirmed without describing the order."""
        for request, outcome in answered:
            if outcome is not None or not isinstance(request.command, (c.CancelStopOrder, c.ModifyStopOrder)):
                continue
            known = self.orders.get(request.command.order_id)
            if known is not None and known.is_live:
                changed = _changed_stop(known, request.command)
                self.orders.apply(changed)
                yield Event(Channel.ORDERS, None, changed)


def _changed_stop(known: Order, command: c.CancelStopOrder | c.ModifyStopOrder) -> Order:
    if isinstance(command, c.CancelStopOrder):
        return attrs.evolve(known, status=OrderStatus.CANCELLED)
    return attrs.evolve(
        known,
        status=OrderStatus.MODIFIED,
        price=command.price,
        quantity=command.quantity,
        quantity_remaining=command.quantity,
    )


def error_event(kind: str, message: str, text: str = "", error: BaseException | None = None) -> Event:
    """An event for the errors channel."""
    return Event(Channel.ERRORS, None, ErrorEvent(kind, message, text, error))
