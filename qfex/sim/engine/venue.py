"""The state that all parts of the engine share: clock, markets, accounts, and pending changes."""

from __future__ import annotations

from .accounts import Account
from .events import Event, Listener
from .ids import Ids
from .instruments import Instrument
from .market import Market
from .orders import Order
from .rules import Rules
from .timers import Timers
from .types import ZERO


class Changes:
    """The pending changes of a command or timer; their consequences are applied once, at its end.

    Dictionaries serve as ordered sets, because the order of the consequences must not depend on hash values.
    """

    def __init__(self) -> None:
        self.books: dict[Market, None] = {}
        self.marks: dict[Market, None] = {}
        # Markets in which an order of the house traded.
        self.quotes: dict[Market, None] = {}
        self.traded: dict[tuple[Account, Market], None] = {}
        self.brackets: dict[Order, None] = {}
        self.positions: dict[tuple[Account, Market], None] = {}
        self.balances: dict[Account, None] = {}


class Venue:
    """The clock, markets, accounts and listeners of one exchange.

    Parameters
    ----------
    instruments : list of Instrument
        The listed instruments.
    start : float
        Unix time at which the engine's clock starts.
    seed : int
        Everything random depends only on it.
    rules : Rules
        Limits, rates and choices.
    """

    def __init__(self, instruments: list[Instrument], start: float, seed: int, rules: Rules) -> None:
        self.now = start
        self.seed = seed
        self.rules = rules
        self.ids = Ids(seed)
        self.timers = Timers()
        self.markets = {
            instrument.symbol: Market(instrument, rules.history_limit) for instrument in instruments
        }
        self.accounts: dict[str, Account] = {}
        self.fees_collected = ZERO
        self.changes = Changes()
        self.house = self.open_account(house=True)
        self._listeners: list[Listener] = []

    def open_account(self, master: str | None = None, house: bool = False) -> Account:
        """Open an account without money."""
        account = Account(self.ids.new(), ZERO, master, house, self.rules.history_limit)
        self.accounts[account.account_id] = account
        return account

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every event from now on."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Pass an event to the listeners."""
        for listener in self._listeners:
            listener(event)

    def account_changed(self, account: Account, market: Market) -> None:
        """Record that an account's position, orders or money in a market changed."""
        if not account.house:
            self.changes.positions[account, market] = None
            self.changes.balances[account] = None
