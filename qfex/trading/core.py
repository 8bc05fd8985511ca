"""What the method modules share."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Any

from ..credentials import Credentials
from ..enums import Channel
from ..environment import Environment
from ..errors import ValidationError
from ..models.orders import Order
from ..protocol.numbers import text
from ..protocol.trade import TradeDialogue
from ..session.options import TransportOptions
from .events import EventMethods

if TYPE_CHECKING:
    from ..models.instruments import Instrument


class TradeCore(EventMethods):
    """State and helpers of the trade client."""

    _channel_type = Channel
    _environment: Environment
    _credentials: Credentials
    _account_id: str | None
    _options: TransportOptions
    _dialogue: TradeDialogue
    _instruments: dict[str, Instrument] | None

    def _make_ids(self) -> None:
        # Unique among all clients of all processes, and cheaper than drawing each id at random.
        self._id_prefix = os.urandom(11).hex()
        self._id_counter = count(10**9)

    def _new_id(self) -> str:
        """A client id of 32 hex digits: the length that the exchange's own clients use."""
        return f"{self._id_prefix}{next(self._id_counter)}"

    def _known(self, order: Order | str, argument: str = "order") -> Order:
        """The newest state of an order that the client has seen.

        Raises
        ------
        ValidationError
            If only an id was given and the client never saw that order.
        """
        order_id = order.order_id if isinstance(order, Order) else text(order, argument)
        with self._session.state_lock:
            known = self._dialogue.orders.get(order_id)
        if known is not None:
            return known
        if isinstance(order, Order):
            return order
        raise ValidationError(argument, order, "is not an order that this client has seen; pass the Order")

    def _has_seen(self, order_id: str) -> bool:
        """Whether the client knows an order by an order id or a client order id."""
        with self._session.state_lock:
            return self._dialogue.orders.has_seen(order_id)

    def _read_state(self, name: str) -> Any:
        with self._session.state_lock:
            value = getattr(self._dialogue, name)
            return dict(value) if isinstance(value, dict) else value
