"""Private operations: the account, its history, its subaccounts and its exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, TypeVar

import msgspec

from ..arguments import Number, positive, text
from ..errors import RestError
from ..models.account import Balance, Position
from ..models.history import (
    EquityPoint,
    Fee,
    HistoricOrder,
    HourlyPnl,
    PnlPoint,
    ReferralReward,
    SubaccountBalance,
    UserVolume,
)
from ..models.orders import UserTrade
from ..models.twaps import Twap
from ..protocol import rest
from ..protocol.paging import Pages
from ..protocol.wire.codec import on_wire, parse_decimal
from .messages import ApiCall
from .operations import (
    MAX_PAGE,
    Operations,
    Query,
    at_most,
    build,
    given,
    listed,
    oldest_first,
    page,
    period,
)
from .retries import is_never_funded

_T = TypeVar("_T")
_MAX_HOURS = 2160  # of /pnl, 90 days

Progress = Callable[[int], object]


class AccountOperations(Operations):
    """Operations on the account of the credentials, or on the subaccount that `account_id` names.

    They raise the errors of the public operations, and `ConfigurationError` if the client has no credentials.
    """

    def positions(self) -> dict[str, Position]:
        """Return the positions by symbol (``GET /user/positions``). Empty for an account without any deposit.

        A position that cannot be read is an error, because without it the answer would be that the symbol is flat.
        """
        return self._positions_and_balance(rest.positions)

    def balance(self) -> Balance:
        """Return the balance (``GET /user/positions``). All zero for an account without any deposit."""
        return self._positions_and_balance(rest.balance)

    def user_trades(
        self,
        *,
        order_id: str | None = None,
        symbol: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[UserTrade]:
        """Return a page of trades, oldest first (``GET /user/trade``): 100 rows, or `limit`, at most 1,000."""
        query = {
            **given(exchange_order_id=order_id, symbol=symbol),
            **period(start, end),
            **page(limit, offset),
        }
        return oldest_first(self._get_private(rest.user_trades, "/user/trade", query))

    def iter_user_trades(
        self,
        *,
        order_id: str | None = None,
        symbol: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        page_size: int = MAX_PAGE,
    ) -> Iterator[UserTrade]:
        """Iterate over all trades in the order of the exchange, reading pages as they are needed.

        New trades shift the pages while they are read. Even then no trade is left out or yielded twice.
        """
        query = {**given(exchange_order_id=order_id, symbol=symbol), **period(start, end)}
        at_most(MAX_PAGE, page_size, "page_size")
        return self._pages_of_trades(query, page_size)

    def historic_orders(
        self,
        *,
        symbol: str | None = None,
        client_order_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[HistoricOrder]:
        """Return a page of finished orders, oldest first (``GET /user/historic-orders``).

        With a `client_order_id`, a row that cannot be read is an error, because without it the answer would be that there
        is no such order.
        """
        query = {
            **given(symbol=symbol, client_order_id=client_order_id),
            **period(start, end),
            **page(limit, offset),
        }
        complete = client_order_id is not None
        return oldest_first(self._private_rows(HistoricOrder, "/user/historic-orders", query, complete))

    def historic_twaps(self, *, symbol: str | None = None, limit: int | None = None) -> list[Twap]:
        """Return finished TWAPs, oldest first (``GET /user/historic-twaps``)."""
        found = self._private_rows(Twap, "/user/historic-twaps", {**given(symbol=symbol), **page(limit)})
        return oldest_first(found, "created_at")

    def pnl_history(
        self, duration: str = "1w", unit: str = "number", symbols: str | Iterable[str] | None = None
    ) -> list[PnlPoint]:
        """Return changes of the profit (``GET /user/historic-pnl``), as ``"number"`` or ``"percent"``."""
        query = {**given(duration=duration, unit=unit), **listed(symbols)}
        return oldest_first(self._private_rows(PnlPoint, "/user/historic-pnl", query))

    def equity_history(self, duration: str = "1w") -> list[EquityPoint]:
        """Return the value of the account over time (``GET /user/account-equity``)."""
        return oldest_first(self._private_rows(EquityPoint, "/user/account-equity", given(duration=duration)))

    def hourly_pnl(
        self,
        symbol: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit_hours: int | None = None,
    ) -> list[HourlyPnl]:
        """Return profit, funding and fees by hour (``GET /pnl``): 168 hours, or `limit_hours`, at most 2,160."""
        query = {**given(symbol=symbol), **period(start, end)}
        if limit_hours is not None:
            query["limit_hours"] = str(at_most(_MAX_HOURS, limit_hours, "limit_hours"))
        return oldest_first(self._private_rows(HourlyPnl, "/pnl", query))

    def fees(self) -> dict[str, Fee]:
        """Return the fees of the account by symbol (``GET /user/fees``)."""
        return self._get_private(rest.fees, "/user/fees")

    def volume_history(
        self, duration: str = "1w", symbols: str | Iterable[str] | None = None
    ) -> list[UserVolume]:
        """Return the daily notional volume (``GET /user/volume``): ``"1w"``, ``"1m"``, ``"ytd"`` or ``"all"``."""
        query = {**given(range=duration), **listed(symbols)}
        return oldest_first(self._private_rows(UserVolume, "/user/volume", query))

    def referral_rewards(self, duration: str = "1w") -> list[ReferralReward]:
        """Return the daily referral rewards (``GET /user/referral-rewards``)."""
        return oldest_first(
            self._private_rows(ReferralReward, "/user/referral-rewards", given(duration=duration))
        )

    def set_leverage(self, symbol: str, leverage: Number) -> Decimal:
        """Set the leverage of a symbol and return the leverage that the exchange set (``POST /user/leverage``).

        The exchange refuses this while the symbol has open orders or a position.
        """
        body = {"symbol": text(symbol, "symbol"), "leverage": on_wire(positive(leverage, "leverage"))}
        return build(lambda answer: parse_decimal(answer["leverage"]), self._post("/user/leverage", body))

    def subaccounts(self) -> list[str]:
        """Return the ids of the user's subaccounts (``GET /user/subaccounts``)."""
        return self._get_private(rest.account_ids, "/user/subaccounts", of_user=True)

    def create_subaccount(self) -> str:
        """Create a subaccount and return its id (``POST /user/subaccounts``)."""
        return build(
            lambda answer: rest.parse_id(answer["account_id"]),
            self._post("/user/subaccounts", {}, of_user=True),
        )

    def subaccount_balances(self) -> list[SubaccountBalance]:
        """Return the balances of all accounts of the user (``GET /user/subaccounts/balance``, undocumented)."""
        read = partial(rest.rows, model=SubaccountBalance, member="accounts")
        return self._get_private(read, "/user/subaccounts/balance", of_user=True)

    def transfer(self, amount: Number, source: str, destination: str) -> None:
        """Transfer available balance between two accounts of the user (``POST /user/transfer``).

        Parameters
        ----------
        amount : int, str, float or Decimal
            In the margin asset.
        source, destination : str
            Account ids.
        """
        query = {"src_account_id": text(source, "source"), "dst_account_id": text(destination, "destination")}
        body = {"amount": on_wire(positive(amount, "amount"))}
        self._post("/user/transfer", body, query, of_user=True)

    def export_trades(self, file: BinaryIO, progress: Progress | None = None) -> int:
        """Write all trades as CSV to a binary file, as they arrive (``GET /trades-csv``).

        Parameters
        ----------
        file : binary file
            If the connection is lost, the file keeps what was written before.
        progress : callable, optional
            Called with the number of bytes written so far.

        Returns
        -------
        int
            Number of bytes written.
        """
        return self._export("/trades-csv", file, progress)

    def export_orders(self, file: BinaryIO, progress: Progress | None = None) -> int:
        """Write all finished orders as CSV (``GET /historic-orders-csv``), like `export_trades`."""
        return self._export("/historic-orders-csv", file, progress)

    def export_twaps(
        self, file: BinaryIO, progress: Progress | None = None, *, symbol: str | None = None
    ) -> int:
        """Write finished TWAPs as CSV (``GET /historic-twaps-csv``), like `export_trades`."""
        return self._export("/historic-twaps-csv", file, progress, given(symbol=symbol))

    def _positions_and_balance(self, read: Callable[[Any], _T]) -> _T:
        try:
            return self._get_private(read, "/user/positions")
        except RestError as error:
            if not is_never_funded(error):
                raise
        return read(rest.NEVER_FUNDED)

    def _pages_of_trades(self, query: Query, page_size: int) -> Iterator[UserTrade]:
        pages: Pages[UserTrade] = Pages(
            lambda row: (row.trade_id, row.order_id), page_size, rows_vanish=False
        )
        while not pages.done:
            asked = {**query, **page(pages.limit, pages.offset)}
            yield from pages.take(*self._get_private(rest.page_of_trades, "/user/trade", asked))

    def _private_rows(self, model: type[_T], path: str, query: Query, complete: bool = False) -> list[_T]:
        return self._get_private(partial(rest.rows, model=model, complete=complete), path, query)

    def _post(self, path: str, body: Any, query: Query | None = None, of_user: bool = False) -> Any:
        encoded = msgspec.json.encode(body)
        return self._requester.write(
            ApiCall("POST", path, query or {}, encoded, private=True, of_user=of_user)
        )

    def _export(
        self, path: str, file: BinaryIO, progress: Progress | None, query: Query | None = None
    ) -> int:
        call = ApiCall("GET", path, query or {}, private=True, accept="text/csv")
        return self._requester.download(call, file, progress)
