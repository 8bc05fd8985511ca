"""Where the exchange's documentation and its observed behaviour differ on the wire.

A `Dialect` turns what happened into the messages that say so. `Live` is what clients and captures show,
`Documented` what the exchange's pages say; everything that is not here is the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .commands import Params
from .payloads import Payload

if TYPE_CHECKING:
    from ..engine import FillRow, OrderRow

Message = dict[str, Any]


class Dialect(Protocol):
    """One way of saying it. A None means that nothing is sent.

    Attributes
    ----------
    modify_keeps_order_id : bool
        What the engine is to do.
    refusals : mapping of str to str
        Order statuses that are answered with an ``err`` of that code and with no ``order_response``.
    """

    modify_keeps_order_id: bool
    refusals: Mapping[str, str]

    def authenticated(self, success: bool) -> Message:
        """The answer to ``auth``."""

    def announces(self, row: OrderRow) -> bool:
        """Whether an order's change is reported by an ``order_response`` at all."""

    def order(self, row: OrderRow) -> Payload:
        """What an order looks like in ``order_response`` and in lists."""

    def found(self, row: OrderRow | None, symbol: str, order_id: str) -> Message:
        """The answer to ``get_order``."""

    def trades(self, rows: list[FillRow]) -> Message:
        """The answer to ``get_user_trades``."""

    def acknowledgement(self, command: str, params: Params) -> Message | None:
        """What confirms a command that has no other answer."""

    def reports_stop(self, command: str) -> bool:
        """Whether a stop changed by this command shows as an ``order_response``."""

    def error_code(self, command: str | None, code: str) -> str:
        """The code of an ``err`` as it is spelled."""

    def echo(self, message: Any, text: str, command: str | None, params: Params | None) -> Any:
        """The ``incoming_message`` of an ``err``."""
