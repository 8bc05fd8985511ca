"""One operation of the REST interface, apart from HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .parameters import Parameter
from .problems import SCHEMAS, Problem

if TYPE_CHECKING:
    from ..engine import Exchange
    from ..gateway.accounts import Accounts, Identity
    from .account_history import AccountHistories, AccountHistory
    from .market_history import MarketHistory, SymbolHistory

Body = dict[str, Any]


@dataclass(frozen=True)
class Csv:
    """A reply that is streamed as comma separated values; the first row names the columns."""

    rows: Iterator[list[str]]


Answer = Body | Csv | None


@dataclass(frozen=True)
class Venue:
    """Everything an operation may look at."""

    exchange: Exchange
    accounts: Accounts
    markets: MarketHistory
    histories: AccountHistories
    dialect: str


@dataclass(frozen=True)
class Call:
    """One request: where it goes, who makes it, and its checked parameters and body members by name."""

    venue: Venue
    arguments: dict[str, Any]
    caller: Identity | None = None

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def exchange(self) -> Exchange:
        """The engine."""
        return self.venue.exchange

    @property
    def live(self) -> bool:
        """Whether replies are to look as observed rather than as documented."""
        return self.venue.dialect == "live"

    @property
    def identity(self) -> Identity:
        """The caller of a private operation."""
        if self.caller is None:
            raise Problem(401, "authentication required")
        return self.caller

    @property
    def account_id(self) -> str:
        """The account the caller acts for."""
        return self.identity.account_id

    @property
    def history(self) -> AccountHistory:
        """The past of that account."""
        return self.venue.histories[self.account_id]

    @property
    def symbol(self) -> str:
        """The symbol of the path.

        Raises
        ------
        Problem
            404 when there is no such symbol.
        """
        symbol: str = self["symbol"]
        if symbol not in self.exchange.instruments:
            raise Problem(404, f"symbol {symbol} not found")
        return symbol

    @property
    def market(self) -> SymbolHistory:
        """The past of that symbol."""
        return self.venue.markets[self.symbol]


@dataclass(frozen=True)
class Operation:
    """A row of the operations table.

    Attributes
    ----------
    method, path : str
        As in the published description; path parameters in braces.
    answer : callable
        Makes the reply's body, None for an empty one.
    schema : str
        Name of the body's schema.
    parameters : tuple of Parameter
        What the URL carries.
    members : mapping of str to str
        Members of the request's body and their types.
    private : bool
        Whether it takes credentials.
    trades : bool
        Whether it takes a key that may do more than look.
    headers : mapping of str to str
        Further headers of the reply.
    """

    method: str
    path: str
    answer: Callable[[Call], Answer]
    schema: str = ""
    parameters: tuple[Parameter, ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    trades: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def complete(self, body: Body) -> Body:
        """Return the body with the address of its schema in front."""
        return {"$schema": f"{SCHEMAS}/{self.schema}.json", **body} if self.schema else body


def listing(rows: Iterable[Any]) -> Body:
    """Return the body of a list operation: ``data`` is null when there is nothing in it."""
    data = list(rows)
    return {"data": data or None, "count": len(data)}
