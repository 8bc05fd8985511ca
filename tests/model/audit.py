"""Whether what calls and callbacks said was true: checked when all is over, against the ledger's whole history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from qfex import NotConnected, Order, OrderRejected, OutcomeUnknown, QfexError, RequestTimeout

from .check import Difference, contradiction, contradiction_of
from .ledger import Ledger, LedgerOrder, State
from .participant import Call, Participant
from .trading import request_key

_RESOLVE_TIMEOUT = 5.0  # seconds
_WAIT = 5.0  # seconds


def audit(participant: Participant) -> list[Difference]:
    """Everything that a client said and that was not so."""
    ledger, name = participant.venue.ledger, participant.name
    found = [
        Difference(name, f"{call.command} {call.key or call.asked} gave {call.outcome!r:.300}: {text}", about)
        for call in participant.calls
        for text, about in _AUDITS.get(call.command, _no_audit)(participant, call, ledger)
    ]
    for check in (_backward_events, _stale_positions, _unknown_orders):
        found += [Difference(name, text, about) for text, about in check(participant, ledger)]
    internal = [error for error in participant.errors if error.kind in ("internal", "callback")]
    return found + [Difference(name, f"internal error: {error}") for error in internal]


Found = tuple[str, str]


def _no_audit(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    yield from ()


# --- outcomes ----------------------------------------------------------------------------------------------------


def was_sent(outcome: Any) -> bool:
    """Whether a call's outcome leaves it possible that the command was sent."""
    if isinstance(outcome, NotConnected):
        return False
    return getattr(outcome, "sent", True) if isinstance(outcome, RequestTimeout) else True


def _place(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    outcome = call.outcome
    received = ledger.received.get(request_key(call.key, call.asked.get("price")))
    if not was_sent(outcome):
        if received is not None:
            yield f"the venue received it: {received}", call.key
    elif isinstance(outcome, OutcomeUnknown):
        yield from _resolved(participant, call, ledger)
    elif isinstance(outcome, Order):
        if received != "accepted" or outcome.order_id not in ledger.orders:
            yield f"the venue has {received}", call.key
        elif outcome.order_id not in [order.order_id for order in _placed(call, ledger)]:
            yield "this is another order", outcome.order_id
    elif isinstance(outcome, OrderRejected):
        if received != "refused":
            yield f"the venue has {received}", call.key
    elif received != "error":
        yield f"the venue has {received}", call.key


def _resolved(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    try:
        order = participant.client.resolve(call.key, call.asked["symbol"], timeout=_RESOLVE_TIMEOUT)
    except QfexError as error:
        if not _may_be_a_nameless_stop(participant, ledger):
            yield f"resolve raised {error!r}", call.key
        return
    placed = _placed(call, ledger)
    if order is None:
        if placed:
            yield "resolve found no order, but there is one", call.key
    elif not placed:
        if not _was_used_again(participant, call):
            yield f"resolve found {order.order_id}, but there is no order", call.key
    else:
        wrong = contradiction(order, ledger.newest(placed[0].order_id))
        if wrong:
            yield f"resolve found a wrong state: {wrong}", order.order_id


def _was_used_again(participant: Participant, call: Call) -> bool:
    """Whether a later order has the same client order id: then that is the one that `resolve` is asked about."""
    return any(
        other.command == call.command and other.key == call.key and other.begun > call.begun
        for other in participant.calls
    )


def _placed(call: Call, ledger: Ledger) -> list[LedgerOrder]:
    """The order that a call placed, if it did. An id that is used again is used with another price."""
    price = call.asked.get("price")
    named = ledger.named(call.key)
    return [order for order in named if not order.replaces and price in (None, order.states[0].price)]


def _may_be_a_nameless_stop(participant: Participant, ledger: Ledger) -> bool:
    """Whether stops are live whose messages have no client order id: then `resolve` is right to say that it cannot tell."""
    shapes = participant.venue.options.shapes
    return not shapes.stop_client_id and any(order.is_stop for order in ledger.live)


def _modify(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    asked, outcome = call.asked, call.outcome
    applied = [order for order in ledger.orders.values() if _was_at(order.states, asked["price"])]
    received = ledger.received.get(request_key(asked["order_id"], asked["price"]))
    if isinstance(outcome, Order):
        if not applied:
            yield "the venue did not modify anything so", asked["order_id"]
        elif applied[0].order_id != outcome.order_id:
            yield f"the order is {applied[0].order_id}", outcome.order_id
    elif not was_sent(outcome):
        if received is not None or applied:
            yield f"the venue received it: {received}", asked["order_id"]
    elif isinstance(outcome, QfexError) and not isinstance(outcome, OutcomeUnknown) and applied:
        refused_to_others = asked["order_id"] in ledger.refused_to_others
        if not (refused_to_others and isinstance(outcome, OrderRejected)):
            yield "the venue modified the order", asked["order_id"]


def _was_at(states: list[State], price: Decimal) -> bool:
    return any(state.price == price for state in states)


def _cancel(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    outcome = call.outcome
    truth = ledger.newest(call.asked["order_id"])
    if isinstance(outcome, Order) and (outcome.is_live or ledger.orders[outcome.order_id].live):
        yield f"the order lives: {truth.states[-1]}", truth.order_id
    if outcome is None and call.command == "cancel stop" and truth.live:
        yield f"the stop lives: {truth.states[-1]}", truth.order_id


def _wait(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    outcome = call.outcome
    if isinstance(outcome, Order) and outcome.is_done:
        # Where the old id is cancelled first, its end is the truth until MODIFIED of the new id comes.
        cancelled_first = participant.venue.options.shapes.old_leg == "before"
        wrong = contradiction_of(outcome, ledger)
        if wrong and not (cancelled_first and not contradiction(outcome, ledger.orders[outcome.order_id])):
            yield wrong, call.asked["order_id"]


def _query(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    outcome, order_id = call.outcome, call.asked["order_id"]
    if isinstance(outcome, Order):
        yield from _a_true_state(outcome, ledger)
    elif isinstance(outcome, OrderRejected):
        alive = ledger.orders[order_id].live
        if alive:
            yield "the order lives", order_id


def _a_true_state(order: Order, ledger: Ledger) -> Iterator[Found]:
    truth = ledger.orders.get(order.order_id)
    if truth is None or not _indexes(order, truth.states):
        yield "the order never was so", order.order_id


def _iterate(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    if not isinstance(call.outcome, list):
        return
    ids = [order.order_id for order in call.outcome]
    if len(set(ids)) < len(ids):
        yield "an order came twice", max(ids, key=ids.count)
    for order in ledger.orders.values():
        begun, ended = order.states[0].time, None if order.live else order.states[-1].time
        if begun < call.begun and (ended is None or ended > call.ended) and order.order_id not in ids:
            yield f"order {order.order_id} was live all the time and is missing", order.order_id


def _rest_trades(participant: Participant, call: Call, ledger: Ledger) -> Iterator[Found]:
    if not isinstance(call.outcome, list):
        return
    ids = [trade.trade_id for trade in call.outcome]
    if len(set(ids)) < len(ids):
        yield "a trade came twice", max(ids, key=ids.count)
    missing = [each.trade_id for each in ledger.trades if each.at < call.begun and each.trade_id not in ids]
    if missing:
        yield f"{len(missing)} trades are missing", missing[0]


_AUDITS: dict[str, Callable[[Participant, Call, Ledger], Iterator[Found]]] = {
    "place": _place,
    "modify": _modify,
    "modify stop": _modify,
    "cancel": _cancel,
    "cancel stop": _cancel,
    "wait": _wait,
    "query": _query,
    "iterate": _iterate,
    "rest trades": _rest_trades,
}

# --- events ------------------------------------------------------------------------------------------------------


def _backward_events(participant: Participant, ledger: Ledger) -> Iterator[Found]:
    """Order events that say of an order what it was before an earlier event."""
    newest: dict[str, int] = {}
    for event in list(participant.orders):
        truth = ledger.orders.get(event.order_id)
        if truth is None or event.status.is_rejection:
            continue
        places = _indexes(event, truth.states)
        before = newest.get(event.order_id, 0)
        if not places:
            yield f"an event says what never was: {event}", event.order_id
        elif places[-1] < before:
            yield f"event {places[-1]} came after {before}: {event}", event.order_id
        else:
            newest[event.order_id] = next(place for place in places if place >= before)


def _stale_positions(participant: Participant, ledger: Ledger) -> Iterator[Found]:
    """Positions that were older than a fill that was delivered before they were read."""
    places = {trade.trade_id: place for place, trade in enumerate(ledger.trades)}
    disturbances = participant.venue.options.disturbances
    if disturbances.crossed or disturbances.duplicates:  # an old position may come later than the fill
        return
    for trade_id, position in participant.positions:
        since = ledger.trades[places[trade_id] :]
        possible = {trade.position for trade in since if trade.order.symbol == since[0].order.symbol}
        if position not in possible:
            yield f"after fill {trade_id} the position was {position}, and not any of {possible}", trade_id


def _unknown_orders(participant: Participant, ledger: Ledger) -> Iterator[Found]:
    """Orders of others, which the client may have to ask for."""
    for order in participant.others_orders:
        try:
            newest = participant.client.wait_until_done(order, _WAIT)
        except QfexError as error:
            yield f"waiting for order {order.order_id} of another client raised {error!r}", order.order_id
            continue
        wrong = contradiction_of(newest, ledger)
        if wrong and not _is_the_word_about_the_old_id(newest, ledger):
            yield f"order {order.order_id} of another client: {wrong}", order.order_id


def _is_the_word_about_the_old_id(order: Order, ledger: Ledger) -> bool:
    """Whether an order that was replaced is reported as the exchange reports its old id.

    A client that did not see the modify may have seen the cancel of the old id.
    """
    return order.status.is_cancellation and not contradiction(order, ledger.orders[order.order_id])


def _indexes(order: Order, states: list[State]) -> list[int]:
    """Which of an order's states a message may describe."""
    said = (order.quantity_remaining, order.price, order.quantity)
    return [
        place
        for place, state in enumerate(states)
        if (state.remaining, state.price, state.quantity) == said
        and _is_cancelled(state.status) is order.status.is_cancellation
    ]


def _is_cancelled(status: str) -> bool:
    return "CANCEL" in status or status == "IOC_PARTIALLY_FILLED"
