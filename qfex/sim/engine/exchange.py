"""The exchange: every command and query, delegated to the parts of the engine that implement them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from . import margin
from .consequences import Consequences
from .events import BalanceChanged, Event
from .funding import Funding
from .instruments import Instrument, load_instruments
from .lifecycle import Lifecycle
from .liquidation import Liquidation
from .liquidity import MarketMaker
from .matching import Matcher
from .order_manager import OrderManager
from .prices import PricePath, Prices
from .queries import Queries
from .rules import Rules
from .settlement import Settlement
from .stops import STOP_TYPES, Stops
from .timers import Timer
from .twaps import Twaps
from .types import (
    OrderEntry,
    OrderIdType,
    OrderRow,
    Refused,
    TwapEntry,
    TwapRow,
)
from .venue import Venue

DEFAULT_RULES = Rules()
ORDER_IDS = ("order_id", "client_order_id")


class Exchange(Queries):
    """An exchange without sockets, threads or a clock of its own: time passes when `advance` is called.

    Parameters
    ----------
    instruments : iterable of Instrument, optional
        The instruments to list; by default all of the packaged reference data.
    start : float
        Unix time at which the clock starts.
    seed : int
        The same seed and the same commands give the same ids, prices and fills.
    rules : Rules
        Limits, rates and choices.
    liquidity : bool
        Whether a market maker quotes both sides of every symbol around its mark price.
    price_path : str
        How prices move without a command: ``"still"``, ``"calm"``, ``"trending"`` or ``"gapping"``.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument] | None = None,
        *,
        start: float,
        seed: int = 0,
        rules: Rules = DEFAULT_RULES,
        liquidity: bool = True,
        price_path: PricePath = "still",
    ) -> None:
        traded = load_instruments() if instruments is None else list(instruments)
        self.instruments = {instrument.symbol: instrument for instrument in traded}
        self._venue = venue = Venue(traded, start, seed, rules)
        self._lifecycle = Lifecycle(venue)
        settlement = Settlement(venue, self._lifecycle)
        self._orders = OrderManager(venue, self._lifecycle, Matcher(self._lifecycle, settlement))
        self._stops = Stops(venue, self._orders)
        self._twaps = Twaps(venue, self._orders)
        self._funding = Funding(venue)
        self._prices = Prices(venue, self._orders, price_path)
        liquidation = Liquidation(venue, self._orders, self._lifecycle, settlement, self._stops, self._twaps)
        skewed = price_path != "still"
        maker = MarketMaker(venue, self._orders, self._lifecycle, skewed) if liquidity else None
        self._consequences = Consequences(venue, self._lifecycle, self._stops, liquidation, maker)
        venue.changes.marks.update(dict.fromkeys(venue.markets.values()))
        self._consequences.apply()

    # ------------------------------------------------------------------ time and events

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event, immediately and in order. It must not call back into the engine."""
        self._venue.listen(listener)

    def advance(self, seconds: float) -> None:
        """Let time pass; timers that fall due run in order of time."""
        until = self._venue.now + seconds
        while timer := self._venue.timers.pop_due(until):
            self._venue.now = max(self._venue.now, timer.due)
            timer.action()
            self._consequences.apply()
        self._venue.now = until

    def at(self, due: float, action: Callable[[], None]) -> Timer:
        """Run `action` when the clock reaches `due`."""
        return self._venue.timers.at(due, action)

    # ------------------------------------------------------------------ accounts

    def create_account(
        self,
        balance: Decimal = Decimal(100_000),
        *,
        master: str | None = None,
        kyc: bool = True,
        terms_accepted: bool = True,
        may_trade: bool = True,
    ) -> str:
        """Open an account with `balance` USD and return its id. It cannot trade unless all flags are set."""
        account = self._venue.open_account(master)
        account.deposit = Decimal(balance)
        account.kyc, account.terms_accepted, account.may_trade = kyc, terms_accepted, may_trade
        return account.account_id

    def set_flags(
        self,
        account_id: str,
        *,
        kyc: bool | None = None,
        terms_accepted: bool | None = None,
        may_trade: bool | None = None,
    ) -> None:
        """Change the flags of an account; None leaves a flag as it is."""
        account = self._account(account_id)
        account.kyc = account.kyc if kyc is None else kyc
        account.terms_accepted = account.terms_accepted if terms_accepted is None else terms_accepted
        account.may_trade = account.may_trade if may_trade is None else may_trade

    def deposit(self, account_id: str, amount: Decimal) -> None:
        """Deposit money."""
        account = self._account(account_id)
        account.deposit += amount
        self._venue.emit(BalanceChanged(self.now, account_id))

    def transfer(self, source: str, destination: str, amount: Decimal) -> None:
        """Move available money between an account and its subaccount, or between two subaccounts of one master.

        Raises
        ------
        Refused
            ``InvalidParameter`` if the amount is not positive or not available, or the accounts are not related.
        """
        payer, payee = self._account(source), self._account(destination)
        if (payer.master or source) != (payee.master or destination):
            raise Refused("InvalidParameter", "accounts do not belong together")
        if not 0 < amount <= payer.available:
            raise Refused("InvalidParameter", "amount must be positive and available")
        payer.deposit -= amount
        payee.deposit += amount
        for account_id in (source, destination):
            self._venue.emit(BalanceChanged(self.now, account_id))

    # ------------------------------------------------------------------ commands

    def add_order(self, account_id: str, entry: OrderEntry) -> OrderRow:
        """Enter an order or a stop; a rejection is a row with the rejecting status.

        Raises
        ------
        Refused
            The exchange answers with an error, and no order comes into being.
        """
        part = self._stops if entry.order_type in STOP_TYPES else self._orders
        row = part.add(self._account(account_id), entry)
        self._consequences.apply()
        return row

    def cancel_order(
        self, account_id: str, symbol: str, id_type: OrderIdType, order_id: str
    ) -> list[OrderRow | TwapRow]:
        """Cancel an order, every order with a client id, or a TWAP; an unknown id gives a NO_SUCH_ORDER row."""
        account = self._account(account_id)
        rows: list[OrderRow | TwapRow] = []
        if id_type in ORDER_IDS:
            rows.extend(self._orders.cancel(account, symbol, id_type, order_id))
        else:
            rows.extend(self._twaps.cancel(account, symbol, id_type, order_id))
            if not rows:
                rows.append(self._orders.no_such_order(account, symbol, id_type, order_id))
        self._consequences.apply()
        return rows

    def cancel_all_orders(self, account_id: str) -> list[OrderRow]:
        """Cancel every order and stop of an account, in all symbols; TWAPs continue."""
        account = self._account(account_id)
        rows = [self._orders.cancel_one(order) for order in list(account.orders.values())]
        rows += [self._stops.cancel_one(stop) for stop in list(account.stops.values())]
        self._consequences.apply()
        return rows

    def modify_order(self, account_id: str, order_id: str, terms: OrderEntry) -> OrderRow:
        """Replace an open order; it loses its queue position and, unless the rules keep it, its id.

        The order keeps its time in force and client id, whatever `terms` says about them.

        Raises
        ------
        Refused
            ``InvalidParameter`` if `reduce_only` is not the order's.
        """
        row = self._orders.modify(self._account(account_id), order_id, terms)
        self._consequences.apply()
        return row

    def modify_stop_order(
        self, account_id: str, stop_order_id: str, symbol: str, price: Decimal, quantity: Decimal
    ) -> OrderRow:
        """Change the trigger price and the quantity of a stop."""
        row = self._stops.modify(self._account(account_id), stop_order_id, symbol, price, quantity)
        self._consequences.apply()
        return row

    def cancel_stop_order(self, account_id: str, stop_order_id: str) -> OrderRow:
        """Cancel a stop."""
        row = self._stops.cancel(self._account(account_id), stop_order_id)
        self._consequences.apply()
        return row

    def close_position(self, account_id: str, symbol: str, client_order_id: str = "") -> OrderRow:
        """Close a position with a reduce-only LIMIT IOC order near the mark price.

        Raises
        ------
        Refused
            ``InvalidOrder`` if there is no position.
        """
        row = self._orders.close_position(self._account(account_id), symbol, client_order_id)
        self._consequences.apply()
        return row

    def add_twap(self, account_id: str, entry: TwapEntry) -> TwapRow:
        """Start a TWAP.

        Raises
        ------
        Refused
            ``InvalidParameter`` if a documented rule is violated.
        """
        row = self._twaps.add(self._account(account_id), entry)
        self._consequences.apply()
        return row

    def set_leverage(self, account_id: str, symbol: str, leverage: Decimal) -> None:
        """Set the leverage of a symbol.

        Raises
        ------
        Refused
            ``InvalidParameter`` if there are open orders or a position, or the level is not on offer.
        """
        margin.set_leverage(self._venue, self._account(account_id), symbol, leverage)
        self._consequences.apply()

    # ------------------------------------------------------------------ markets

    def set_mark_price(self, symbol: str, price: Decimal) -> None:
        """Set index and mark price: quotes follow, stops trigger, accounts are liquidated."""
        self._prices.set(self._market(symbol), price, price)
        self._consequences.apply()

    def set_funding_rate(self, symbol: str, rate: Decimal | None) -> None:
        """Fix the funding rate; with None it is derived from the book again."""
        self._market(symbol)
        self._funding.fix(symbol, rate)

    def halt(self, symbol: str) -> None:
        """Halt trading: orders are REJECTED_MARKET_CLOSED and stops do not trigger; cancelling still works."""
        self._market(symbol).halted = True

    def resume(self, symbol: str) -> None:
        """Resume trading after `halt` or `fail`."""
        market = self._market(symbol)
        market.halted = market.failing = False
        self._venue.changes.marks[market] = None
        self._consequences.apply()

    def fail(self, symbol: str) -> None:
        """Let matching fail: orders are REJECTED_FAILED_TO_PROCESS and cancellations REJECTED."""
        self._market(symbol).failing = True
