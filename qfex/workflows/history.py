"""The REST interface, as far as the trade client needs it: finished orders and TWAPs, positions, balance.

It is imported on first use: few scripts need it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..credentials import Credentials
from ..environment import Environment
from ..errors import ConnectionLost, QfexError
from ..models.account import Balance, Position
from ..models.orders import Order, UserTrade
from ..models.twaps import Twap
from ..protocol.trade.account import ReadHistory
from ..threads import Deadline

if TYPE_CHECKING:
    from ..rest import RestClient

_TIMEOUT = 5.0  # seconds; the socket is what matters, the history only confirms
_PAGE, _MAX_PAGES = 1000, 20


class History:
    """Asks the REST interface for what is finished.

    Parameters
    ----------
    environment : Environment
    credentials : HmacCredentials or JwtCredentials
    options
        Further arguments of `RestClient`.
    """

    def __init__(self, environment: Environment, credentials: Credentials, **options: Any) -> None:
        self._environment = environment
        self._credentials = credentials
        self._options = options

    def _open(self, deadline: Deadline) -> RestClient:
        from ..rest import RestClient

        timeout = max(deadline.at_most(_TIMEOUT).remaining() or 0.0, 0.1)
        return RestClient(self._environment, self._credentials, timeout=timeout, retries=0, **self._options)

    def orders(self, client_order_id: str, symbol: str, deadline: Deadline) -> list[Order]:
        """The finished orders with a client order id, oldest first.

        Raises
        ------
        QfexError
            If the history could not be asked.
        """
        if deadline.passed:
            raise ConnectionLost("no time left to ask the history")
        with self._open(deadline) as rest:
            rows = rest.historic_orders(symbol=symbol, client_order_id=client_order_id)
        return [row.as_order() for row in rows if row.client_order_id == client_order_id]

    def positions_and_balance(self, deadline: Deadline) -> tuple[dict[str, Position], Balance]:
        """The positions and the balance as they are now.

        Raises
        ------
        QfexError
            If the REST interface could not be asked.
        """
        with self._open(deadline) as rest:
            return rest.positions(), rest.balance()

    def trades(
        self,
        order_id: str | None,
        start: datetime | None,
        end: datetime | None,
        page: tuple[int | None, int | None],
        deadline: Deadline,
    ) -> list[UserTrade]:
        """A page of the trades between two times, oldest first.

        Raises
        ------
        QfexError
            If the REST interface could not be asked.
        """
        limit, offset = page
        with self._open(deadline) as rest:
            return rest.user_trades(order_id=order_id, start=start, end=end, limit=limit, offset=offset)

    def answer(self, inquiry: ReadHistory) -> list[Order]:
        """Finished orders by their ids, or all of one client order id; as far as the history has them.

        Raises
        ------
        QfexError
            If the history could not be asked.
        """
        found: dict[str, Order] = {}
        with self._open(Deadline(_TIMEOUT)) as rest:
            for page in range(_MAX_PAGES):
                rows = rest.historic_orders(
                    symbol=inquiry.symbol,
                    client_order_id=inquiry.client_order_id,
                    limit=_PAGE,
                    offset=page * _PAGE,
                )
                found.update((row.order_id, row.as_order()) for row in rows)
                if not rows or (inquiry.order_ids and inquiry.order_ids <= found.keys()):
                    break
        return list(found.values())

    def twap(self, twap: Twap, deadline: Deadline) -> Twap:
        """The final state of a TWAP; `twap` itself where the history does not have it or could not be asked."""
        try:
            with self._open(deadline) as rest:
                rows = rest.historic_twaps(symbol=twap.symbol or None, limit=100)
        except QfexError:
            return twap
        return next((row for row in rows if is_same_twap(row, twap)), twap)


def is_same_twap(row: Twap, twap: Twap) -> bool:
    """Whether two descriptions are of one TWAP."""
    return row.twap_id == twap.twap_id or (
        bool(row.client_twap_id) and row.client_twap_id == twap.client_twap_id
    )
