"""Whether a client agrees with the venue: what must become equal once it is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Any

from qfex import Channel, ConnectionState, Order, QfexError

from .ledger import Ledger, LedgerOrder, LedgerTrade
from .market import CHANNELS as MARKET_CHANNELS
from .market import INTERVAL, SYMBOLS
from .participant import Participant, Wish
from .venue import Venue
from .watcher import Watcher


@dataclass(frozen=True)
class Difference:
    """Something that a client believes and that is not so; `about` is an id, or empty."""

    client: str
    text: str
    about: str = ""

    def __str__(self) -> str:
        return f"{self.client}: {self.text}"


def differences(participant: Participant) -> list[Difference]:
    """What a client believes of the account that is not so."""
    venue, name = participant.venue, participant.name
    if participant.client.state is not ConnectionState.READY:
        return [Difference(name, f"the client is {participant.client.state}")]
    # Nothing changes the ledger any more, and the client may have to ask the venue: so its lock is not held.
    checks = (_open_orders, _followed_orders, _account, _subscriptions, _fills)
    return [Difference(name, *found) for check in checks for found in check(participant, venue)]


Found = tuple[str, str]


# --- orders ------------------------------------------------------------------------------------------------------


def _open_orders(participant: Participant, venue: Venue) -> Iterator[Found]:
    believed = participant.client.open_orders
    true = {order.order_id: order for order in venue.ledger.live}
    for order_id in believed.keys() - true.keys():
        yield f"open order {order_id} is not open: {_brief(believed[order_id])}", order_id
    for order_id in true.keys() - believed.keys():
        yield f"order {order_id} is open and unknown: {true[order_id].states[-1]}", order_id
    for order_id in believed.keys() & true.keys():
        wrong = contradiction(believed[order_id], true[order_id])
        if wrong:
            yield f"open order {order_id}: {wrong}", order_id


def _followed_orders(participant: Participant, venue: Venue) -> Iterator[Found]:
    for order_id, order in list(participant.seen.items()):
        if order_id not in venue.ledger.orders:
            yield f"order {order_id} does not exist: {_brief(order)}", order_id
            continue
        wrong = contradiction_of(participant.client.wait_until_done(order, 0.0), venue.ledger)
        if wrong:
            yield f"order {order_id}: {wrong}", order_id


def contradiction_of(order: Order, ledger: Ledger) -> str:
    """In what an order contradicts the ledger, which knows under which id it lives now; empty if in nothing.

    Where no message had the client order id, or where several orders have it, nobody can know what another session made of
    the order. Then it is enough that it ended under its old id.
    """
    old, truth = ledger.orders[order.order_id], ledger.newest(order.order_id)
    is_shared = sum(not named.replaces for named in ledger.named(order.client_order_id)) > 1
    if (is_shared or not order.client_order_id) and not contradiction(order, old):
        return ""
    return contradiction(order, truth)


def contradiction(order: Order, truth: LedgerOrder) -> str:
    """In what an order as a client knows it contradicts the ledger; empty if in nothing."""
    if order.is_done is truth.live:
        return f"{_brief(order)} is {'done' if order.is_done else 'live'}, and it is not: {truth.states[-1]}"
    for name, ours, true in (
        ("quantity filled", order.quantity_filled, truth.filled),
        ("price", order.price, truth.price),
        ("quantity", order.quantity, truth.quantity),
        ("fully filled", not order.quantity_remaining, not truth.remaining),
        ("client order id", order.client_order_id or truth.client_order_id, truth.client_order_id),
    ):
        if ours != true:
            return f"{name} is {ours}, and it should be {true}: {_brief(order)}"
    return ""


def _brief(order: Order) -> str:
    return f"{order.status} {order.quantity_remaining} of {order.quantity} at {order.price}"


# --- positions, balance, subscriptions ---------------------------------------------------------------------------


def _account(participant: Participant, venue: Venue) -> Iterator[Found]:
    client, ledger = participant.client, venue.ledger
    if _is_wanted(participant, Channel.POSITIONS):
        believed = {symbol: position.position for symbol, position in client.positions.items()}
        for symbol in SYMBOLS:
            ours, true = believed.get(symbol, Decimal(0)), ledger.positions.get(symbol, Decimal(0))
            if ours != true:
                yield f"the position in {symbol} is {ours}, and it should be {true}", symbol
    if _is_wanted(participant, Channel.BALANCES):
        balance = client.balance
        if balance is None or balance.deposit != ledger.deposit:
            yield f"the balance is {balance and balance.deposit}, and it should be {ledger.deposit}", ""


def _is_wanted(participant: Participant, channel: Channel) -> bool | None:
    wishes = participant.wishes[channel]
    return wishes[-1].wanted if wishes else False


def _subscriptions(participant: Participant, venue: Venue) -> Iterator[Found]:
    link = venue.link_of(participant.name)
    if link is None:
        yield "the venue has no connection of this client", ""
        return
    if "order_responses" not in link.channels:
        yield f"order_responses is not in force on {link.name}", "order_responses"
    for channel in participant.wishes:
        wanted, in_force = _is_wanted(participant, channel), channel.value in link.channels
        if wanted is not None and wanted is not in_force:
            yield f"{channel} is {'wanted' if wanted else 'not wanted'}, and it is not so", channel.value
    if participant.armed not in (None, link.armed):
        yield f"cancel-on-disconnect is {link.armed}, and it should be {participant.armed}", ""


# --- fills -------------------------------------------------------------------------------------------------------


def _fills(participant: Participant, venue: Venue) -> Iterator[Found]:
    delivered = [fill.trade_id for fill in list(participant.fills)]
    doubled = {trade_id for trade_id in delivered if delivered.count(trade_id) > 1}
    if doubled:
        yield f"delivered twice: {sorted(doubled)}", min(doubled)
    wishes = participant.wishes[Channel.FILLS]
    must = [trade.trade_id for trade in venue.ledger.trades if _is_certain(trade, wishes)]
    may = {trade.trade_id for trade in venue.ledger.trades if _is_possible(trade, wishes)}
    missing = [trade_id for trade_id in must if trade_id not in delivered]
    if missing:
        yield f"{len(missing)} of {len(must)} fills were not delivered: {missing[:5]}", missing[0]
    strange = [trade_id for trade_id in delivered if trade_id not in may]
    if strange:
        yield f"delivered, but traded while fills were not subscribed: {strange[:5]}", strange[0]
    behind = [second for first, second in zip(delivered, delivered[1:], strict=False) if second < first]
    if behind and _tells_the_sequence(venue):
        yield f"delivered after a later fill: {behind[:5]} in {delivered[-30:]}", behind[0]
    yield from _wrong_fills(participant, venue.ledger)


def _tells_the_sequence(venue: Venue) -> bool:
    """Whether the history of trades tells in which sequence they were made: by times, or by being newest first."""
    shapes = venue.options.shapes
    return shapes.trade_times == "exact" or shapes.newest_trades_first


def _is_certain(trade: LedgerTrade, wishes: list[Wish]) -> bool:
    """Whether fills were subscribed when it was traded, and still are: else it may have been on its way at the end."""
    return bool(wishes and wishes[-1].wanted and trade.at >= wishes[-1].since)


def _is_possible(trade: LedgerTrade, wishes: list[Wish]) -> bool:
    """Whether fills may have been subscribed when it was traded."""
    ends = [*(wish.since for wish in wishes[1:]), float("inf")]
    return any(
        wish.wanted is not False and wish.since <= trade.at <= end
        for wish, end in zip(wishes, ends, strict=True)
    )


def _wrong_fills(participant: Participant, ledger: Ledger) -> Iterator[Found]:
    trades = {trade.trade_id: trade for trade in ledger.trades}
    for fill in list(participant.fills):
        trade = trades.get(fill.trade_id)
        if trade is None:
            yield f"fill {fill.trade_id} does not exist", fill.trade_id
            continue
        ours = (fill.order_id, fill.price, fill.quantity, str(fill.side))
        if ours != (trade.order.order_id, trade.price, trade.quantity, trade.side):
            yield f"fill {fill.trade_id} is wrong: {ours}", fill.trade_id


# --- market data -------------------------------------------------------------------------------------------------


def market_differences(watcher: Watcher) -> list[Difference]:
    """What a market data client believes that is not so."""
    if watcher.client.state is not ConnectionState.READY:
        return [Difference(watcher.name, f"the client is {watcher.client.state}")]
    with watcher.venue.lock:
        link = watcher.venue.link_of(watcher.name)
        in_force = set() if link is None else set(link.channels)
    found = []
    for topic, wanted in watcher.wishes.items():
        if wanted is not None and wanted is not (topic in in_force):
            found.append(
                Difference(watcher.name, f"{topic} is {'' if wanted else 'not '}wanted, and it is not so")
            )
    for channel in MARKET_CHANNELS:
        for symbol in SYMBOLS:
            if watcher.wishes.get((channel, symbol)):
                found += _market_value(watcher, channel, symbol)
    return found


def _market_value(watcher: Watcher, channel: str, symbol: str) -> list[Difference]:
    market, begun = watcher.venue.market.markets[symbol], monotonic()
    try:
        ours = _newest(watcher, channel, symbol)
    except QfexError as error:
        return [
            Difference(watcher.name, f"{channel} of {symbol}: {error!r} after {monotonic() - begun:.2f} s")
        ]
    with watcher.venue.lock:
        true: Any = (market.start, market.candles[market.start]) if channel == "candle" else market.price
    if ours is None or ours == true:
        return []
    return [Difference(watcher.name, f"{channel} of {symbol} is {ours}, and it should be {true}", symbol)]


def _newest(watcher: Watcher, channel: str, symbol: str) -> Any:
    client, tick = watcher.client, Decimal("0.01")
    if channel == "bbo":
        bid = client.bbo(symbol, timeout=0.5).bid
        return bid and bid.price + tick
    if channel == "level2":
        return client.order_book(symbol, timeout=0.5).asks[0].price - tick
    if channel == "mark_price":
        return client.mark_price(symbol, timeout=0.5).price
    if channel == "candle":
        candle = client.candle(symbol, INTERVAL, timeout=0.5)
        return candle.start, candle.close
    return None
