"""The exchange: one object with every command and question, thin over the parts that do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from . import margin
from .aftermath import Aftermath
from .desk import Desk
from .events import BalanceChanged, Event
from .funding import Funding
from .instruments import Instrument, load_instruments
from .lifecycle import Lifecycle
from .liquidation import Liquidation
from .liquidity import MarketMaker
from .matching import Matcher
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
    OrderType,
    Refused,
    Side,
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
        What is traded; by default all of the packaged reference data.
    start : float
        Unix time at which the clock starts.
    seed : int
        Same seed and same commands: same ids, prices and fills.
    rules : Rules
        Limits, rates and choices.
    liquidity : bool
        Whether a market maker quotes both sides of every symbol around its mark price.
    price_path : str
        How prices move by themselves: ``"still"``, ``"calm"``, ``"trending"`` or ``"gapping"``.
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
        self._desk = Desk(venue, self._lifecycle, Matcher(self._lifecycle, settlement))
        self._stops = Stops(venue, self._desk)
        self._twaps = Twaps(venue, self._desk)
        self._funding = Funding(venue)
        self._prices = Prices(venue, self._desk, price_path)
        liquidation = Liquidation(venue, self._desk, self._lifecycle, settlement, self._stops, self._twaps)
        leaning = price_path != "still"
        maker = MarketMaker(venue, self._desk, self._lifecycle, leaning) if liquidity else None
        self._aftermath = Aftermath(venue, self._lifecycle, self._stops, liquidation, maker)
        venue.touched.marks.update(dict.fromkeys(venue.markets.values()))
        self._aftermath.draw()

    # ------------------------------------------------------------------ time and events

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event, at once and in order; it must not call back into the engine."""
        self._venue.listen(listener)

    def advance(self, seconds: float) -> None:
        """Let time pass: everything that falls due happens, in order of time."""
        until = self._venue.now + seconds
        while timer := self._venue.timers.pop_due(until):
            self._venue.now = max(self._venue.now, timer.due)
            timer.action()
            self._aftermath.draw()
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
        """Open an account with `balance` USD and return its id; flags that are off bar it from trading."""
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
        """Change the flags of an account; None leaves one as it is."""
        account = self._account(account_id)
        account.kyc = account.kyc if kyc is None else kyc
        account.terms_accepted = account.terms_accepted if terms_accepted is None else terms_accepted
        account.may_trade = account.may_trade if may_trade is None else may_trade

    def deposit(self, account_id: str, amount: Decimal) -> None:
        """Pay money in."""
        account = self._account(account_id)
        account.deposit += amount
        self._venue.emit(BalanceChanged(self.now, account_id))

    def transfer(self, source: str, destination: str, amount: Decimal) -> None:
        """Move free money between an account and its subaccount, or two subaccounts of one master.

        Raises
        ------
        Refused
            ``InvalidParameter`` if the amount is not positive or not free, or the accounts are not related.
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
        """Take an order or a stop; a rejection is a row with the rejecting status.

        Raises
        ------
        Refused
            Where the exchange answers with an error and no order at all.
        """
        taker = self._stops if entry.order_type in STOP_TYPES else self._desk
        row = taker.add(self._account(account_id), entry)
        self._aftermath.draw()
        return row

    def cancel_order(
        self, account_id: str, symbol: str, id_type: OrderIdType, order_id: str
    ) -> list[OrderRow | TwapRow]:
        """Cancel an order, every order with a client id, or a TWAP; what is unknown is NO_SUCH_ORDER."""
        account = self._account(account_id)
        rows: list[OrderRow | TwapRow] = []
        if id_type in ORDER_IDS:
            rows.extend(self._desk.cancel(account, symbol, id_type, order_id))
        else:
            rows.extend(self._twaps.cancel(account, symbol, id_type, order_id))
            if not rows:
                rows.append(self._desk.no_such_order(account, symbol, id_type, order_id))
        self._aftermath.draw()
        return rows

    def cancel_all_orders(self, account_id: str) -> list[OrderRow]:
        """Cancel every order and stop of an account, in all symbols; TWAPs go on."""
        account = self._account(account_id)
        rows = [self._desk.cancel_one(order) for order in list(account.orders.values())]
        rows += [self._stops.drop(stop) for stop in list(account.stops.values())]
        self._aftermath.draw()
        return rows

    def modify_order(
        self,
        account_id: str,
        symbol: str,
        order_id: str,
        side: Side,
        order_type: OrderType,
        price: Decimal,
        quantity: Decimal,
        take_profit: Decimal | None,
        stop_loss: Decimal | None,
        reduce_only: bool,
    ) -> OrderRow:
        """Replace an open order; it loses its place in the queue and, unless the rules keep it, its id.

        Raises
        ------
        Refused
            ``InvalidParameter`` if `reduce_only` is not the order's.
        """
        row = self._desk.modify(
            self._account(account_id), symbol, order_id, side, order_type, price, quantity, take_profit,
            stop_loss, reduce_only,
        )  # fmt: skip
        self._aftermath.draw()
        return row

    def modify_stop_order(
        self, account_id: str, stop_order_id: str, symbol: str, price: Decimal, quantity: Decimal
    ) -> OrderRow:
        """Change trigger price and quantity of a stop."""
        row = self._stops.modify(self._account(account_id), stop_order_id, symbol, price, quantity)
        self._aftermath.draw()
        return row

    def cancel_stop_order(self, account_id: str, stop_order_id: str) -> OrderRow:
        """Cancel a stop."""
        row = self._stops.cancel(self._account(account_id), stop_order_id)
        self._aftermath.draw()
        return row

    def close_position(self, account_id: str, symbol: str, client_order_id: str = "") -> OrderRow:
        """Close a position with a reduce-only LIMIT IOC order near the mark price.

        Raises
        ------
        Refused
            ``InvalidOrder`` if there is no position.
        """
        row = self._desk.close_position(self._account(account_id), symbol, client_order_id)
        self._aftermath.draw()
        return row

    def add_twap(self, account_id: str, entry: TwapEntry) -> TwapRow:
        """Take a TWAP.

        Raises
        ------
        Refused
            ``InvalidParameter`` where a documented rule is not met.
        """
        row = self._twaps.add(self._account(account_id), entry)
        self._aftermath.draw()
        return row

    def set_leverage(self, account_id: str, symbol: str, leverage: Decimal) -> None:
        """Choose the leverage of a symbol.

        Raises
        ------
        Refused
            ``InvalidParameter`` with open orders or a position, or for a level not on offer.
        """
        margin.set_leverage(self._venue, self._account(account_id), symbol, leverage)
        self._aftermath.draw()

    # ------------------------------------------------------------------ markets

    def set_mark_price(self, symbol: str, price: Decimal) -> None:
        """Move index and mark price: quotes follow, stops fire, accounts are liquidated."""
        self._prices.set(self._market(symbol), price, price)
        self._aftermath.draw()

    def set_funding_rate(self, symbol: str, rate: Decimal | None) -> None:
        """Set the funding rate by hand, or with None leave it to the book again."""
        self._market(symbol)
        self._funding.fix(symbol, rate)

    def halt(self, symbol: str) -> None:
        """Stop trading: orders are REJECTED_MARKET_CLOSED and stops wait, while cancelling still works."""
        self._market(symbol).halted = True

    def resume(self, symbol: str) -> None:
        """Let trading go on after `halt` or `fail`."""
        market = self._market(symbol)
        market.halted = market.failing = False
        self._venue.touched.marks[market] = None
        self._aftermath.draw()

    def fail(self, symbol: str) -> None:
        """Put matching out of order: orders are REJECTED_FAILED_TO_PROCESS and cancellations REJECTED."""
        self._market(symbol).failing = True
