"""One market: an instrument with its book, prices, stops and history."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from .book import Book
from .history import MarketHistory
from .types import ZERO

if TYPE_CHECKING:
    from .accounts import Account
    from .instruments import Instrument
    from .orders import Stop
    from .positions import Position


class Market:
    """The state of one symbol.

    Parameters
    ----------
    instrument : Instrument
        The instrument.
    history_limit : int
        How many trades, and how many minutes with trades, to keep.
    """

    def __init__(self, instrument: Instrument, history_limit: int) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.book = Book()
        self.index = instrument.index_price
        self.mark = instrument.round_price(instrument.index_price)
        self.halted = instrument.status != "ACTIVE"
        self.failing = False
        self.stops: dict[str, Stop] = {}
        self.holders: dict[str, Account] = {}
        self.long_quantity = ZERO
        self.funding_rate = ZERO
        self.premiums: list[Decimal] = []
        self.history = MarketHistory(self.mark, history_limit)

    @property
    def is_trading(self) -> bool:
        """Whether orders can trade now."""
        return not (self.halted or self.failing)

    def price_band(self) -> tuple[Decimal, Decimal]:
        """Return the lowest price of a sale and the highest price of a purchase."""
        width = self.index * self.instrument.band_width
        return self.index - width, self.index + width

    def usd(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return the notional. One unit of any quote currency counts as one USDC."""
        return quantity * price

    def update_holder(self, account: Account, position: Position, before: Decimal) -> None:
        """Update holders and open interest after a position changed from quantity `before`."""
        self.long_quantity += max(position.quantity, ZERO) - max(before, ZERO)
        if position.quantity:
            self.holders[account.account_id] = account
            account.open_positions[self.symbol] = position
        else:
            self.holders.pop(account.account_id, None)
            account.open_positions.pop(self.symbol, None)
