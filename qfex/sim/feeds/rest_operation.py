"""The operations of the REST interface and their requests, independent of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .rest_parameters import SCHEMAS, Parameter, Problem

if TYPE_CHECKING:
    from ..engine import Exchange
    from ..gateway.accounts import Accounts, Identity
    from .statistics import AccountObserver, AccountStatistics, MarketObserver, SymbolStatistics

Body = dict[str, Any]


@dataclass(frozen=True)
class Csv:
    """A reply that is streamed as comma-separated values; the first row names the columns."""

    rows: Iterator[list[str]]


Answer = Body | Csv | None


@dataclass(frozen=True)
class RestContext:
    """The parts of the simulator that operations use."""

    exchange: Exchange
    accounts: Accounts
    market_statistics: MarketObserver
    account_statistics: AccountObserver
    dialect: str


@dataclass(frozen=True)
class RestRequest:
    """One request: its caller, and its validated parameters and body members by name."""

    context: RestContext
    arguments: dict[str, Any]
    caller: Identity | None = None

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def exchange(self) -> Exchange:
        """The engine."""
        return self.context.exchange

    @property
    def live(self) -> bool:
        """Whether replies have the observed form instead of the documented one."""
        return self.context.dialect == "live"

    @property
    def identity(self) -> Identity:
        """The caller of a private operation."""
        if self.caller is None:
            raise Problem(401, "authentication required")
        return self.caller

    @property
    def account_id(self) -> str:
        """The account that the caller acts for."""
        return self.identity.account_id

    @property
    def statistics(self) -> AccountStatistics:
        """The statistics of that account."""
        return self.context.account_statistics[self.account_id]

    @property
    def symbol(self) -> str:
        """The symbol of the path.

        Raises
        ------
        Problem
            404 if there is no such symbol.
        """
        symbol: str = self["symbol"]
        if symbol not in self.exchange.instruments:
            raise Problem(404, f"symbol {symbol} not found")
        return symbol

    @property
    def market(self) -> SymbolStatistics:
        """The statistics of that symbol."""
        return self.context.market_statistics[self.symbol]


@dataclass(frozen=True)
class Operation:
    """A row of the table of operations.

    Attributes
    ----------
    method, path : str
        As published; path parameters are in braces.
    answer : callable
        Returns the body of the reply; None for an empty one.
    schema : str
        The name of the reply's schema.
    parameters : tuple of Parameter
        The parameters in the URL.
    members : mapping of str to str
        The members of the request's body and their types.
    private : bool
        Whether it requires credentials.
    trades : bool
        Whether it requires a key that may trade.
    headers : mapping of str to str
        Additional headers of the reply.
    """

    method: str
    path: str
    answer: Callable[[RestRequest], Answer]
    schema: str = ""
    parameters: tuple[Parameter, ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    trades: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def complete(self, body: Body) -> Body:
        """Return the body, with the URL of its schema as the first member."""
        return {"$schema": f"{SCHEMAS}/{self.schema}.json", **body} if self.schema else body


def listing(rows: Iterable[Any]) -> Body:
    """Return the body of a list operation; an empty list is sent as null."""
    data = list(rows)
    return {"data": data or None, "count": len(data)}
