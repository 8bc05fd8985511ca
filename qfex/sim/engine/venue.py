"""The state all parts of the engine share: clock, markets, accounts, and what was touched."""

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


class Touched:
    """What a command or timer has changed so far, so that consequences are drawn once, at its end.

    Dictionaries serve as sets that keep their order: consequences must not depend on hash values.
    """

    def __init__(self) -> None:
        self.books: dict[Market, None] = {}
        self.marks: dict[Market, None] = {}
        # Markets where an order of the house traded.
        self.quotes: dict[Market, None] = {}
        self.traded: dict[tuple[Account, Market], None] = {}
        self.brackets: dict[Order, None] = {}
        self.positions: dict[tuple[Account, Market], None] = {}
        self.balances: dict[Account, None] = {}


class Venue:
    """Clock, markets, accounts and listeners of one exchange.

    Parameters
    ----------
    instruments : list of Instrument
        What is traded.
    start : float
        Unix time at which the engine's clock starts.
    seed : int
        Everything random depends on it alone.
    rules : Rules
        Limits and rates.
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
        self.touched = Touched()
        self.house = self.open_account(house=True)
        self._listeners: list[Listener] = []

    def open_account(self, master: str | None = None, house: bool = False) -> Account:
        """Create an account without money."""
        account = Account(self.ids.new(), ZERO, master, house, self.rules.history_limit)
        self.accounts[account.account_id] = account
        return account

    def listen(self, listener: Listener) -> None:
        """Tell `listener` every event from now on."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener(event)

    def touch(self, account: Account, market: Market) -> None:
        """Note that an account's position, orders or money in a market changed."""
        if not account.house:
            self.touched.positions[account, market] = None
            self.touched.balances[account] = None
