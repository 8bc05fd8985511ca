"""Compares what the soak's callers were told with what the exchange's own ledger says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from qfex import (
    ApiError,
    NotConnected,
    Order,
    OrderRejected,
    OrderStatus,
    OutcomeUnknown,
    QfexError,
    RequestTimeout,
    Twap,
    ValidationError,
)
from qfex.sim.gateway.audit import AuditTrail
from tests.soak.trader import Told

if TYPE_CHECKING:
    from qfex.sim.engine import OrderRow

OVERTIME = 1.0  # seconds that a call may take beyond its timeout

_PLACING = {"add_order": "add_order", "add_stop": "add_order", "close_position": "close_position"}
#: Calls that send a command of the same name for the key that they name.
_NAMED = {
    **_PLACING,
    "modify_order": "modify_order",
    "add_twap": "add_twap",
    "modify_stop_order": "modify_stop_order",
}


class Audit:
    """One comparison.

    Parameters
    ----------
    ledger : AuditTrail
        The exchange's.
    told : list of Told
        All calls.
    resolved : dict
        By client order id, what `resolve` said of the orders whose outcome was unknown.
    """

    def __init__(self, ledger: AuditTrail, told: list[Told], resolved: dict[str, Any]) -> None:
        self._ledger = ledger
        self._told = told
        self._resolved = resolved
        self._rows: dict[str, dict[str, OrderRow]] = defaultdict(dict)
        self._states: dict[str, set[str]] = defaultdict(set)
        self._owner: dict[str, str] = {}
        for row in ledger.changes:
            self._rows[row.client_order_id][row.order_id] = row
            self._states[row.order_id].add(row.status)
            self._owner.setdefault(row.order_id, row.client_order_id)  # refusals that come later may lack it
        self._placed = {told.key: told.outcome for told in told if told.command in _PLACING}

    def lies(self) -> Iterator[str]:
        """Everything that a caller was told and that is not so."""
        yield from self._sent_too_often()
        for told in self._told:
            if told.seconds > told.timeout + OVERTIME:
                yield f"took {told.seconds:.2f} s: {told}"
            if isinstance(told.outcome, Exception) and not isinstance(told.outcome, QfexError):
                yield f"raised what no caller expects: {told}"
            elif not self._is_true(told):
                yield f"not true: {told}, ledger {self._rows.get(told.key)}"

    def _sent_too_often(self) -> Iterator[str]:
        """More commands at the exchange than calls that may have sent one, for any order, whatever ids it had."""
        allowed: Counter[tuple[str, str]] = Counter()
        for told in self._told:
            if told.command in _NAMED and not _never_sent(told.outcome):
                allowed[_NAMED[told.command], self._order_of(told.key)] += 1
        came: Counter[tuple[str, str]] = Counter()
        for entry in self._ledger.received:
            if entry.command in _NAMED.values():
                came[entry.command, self._order_of(entry.identifier or "")] += 1
        for named, count in came.items():
            if count > allowed[named]:
                yield f"{named} came {count} times, {allowed[named]} may have been sent"

    def _order_of(self, key: str) -> str:
        """The client order id of an order id."""
        return self._owner.get(key, key)

    def _is_true(self, told: Told) -> bool:
        check = _CHECKS.get(told.command)
        return check is None or check(self, told)

    # --- orders ------------------------------------------------------------------------------------------------

    def _placed_truly(self, told: Told) -> bool:
        outcome, rows = told.outcome, self._rows.get(told.key, {})
        if isinstance(outcome, OutcomeUnknown):
            return told.command == "close_position" or self._resolved_truly(told, rows)
        if isinstance(outcome, OrderRejected | ApiError):
            return all(OrderStatus(row.status).is_rejection for row in rows.values())
        if isinstance(outcome, Exception):
            return _never_sent(outcome) and not rows
        same = (
            isinstance(outcome, Order)
            and outcome.order_id in rows
            and outcome.client_order_id in (told.key, "")
        )
        return same and all(getattr(outcome, name) == value for name, value in self._fixed(told).items())

    @staticmethod
    def _fixed(told: Told) -> dict[str, Any]:
        """What of an order's terms stays as it was asked for."""
        return {name: told.asked[name] for name in ("symbol", "side", "quantity") if name in told.asked}

    def _resolved_truly(self, told: Told, rows: dict[str, OrderRow]) -> bool:
        found = self._resolved.get(told.key)
        placed = {order_id for order_id, row in rows.items() if not OrderStatus(row.status).is_rejection}
        if found is None:
            return told.key in self._resolved and not placed
        if isinstance(found, OutcomeUnknown) and "without a client order id" in found.reason:
            return True  # live stops that the documented exchange lists without their names
        if not isinstance(found, Order) or found.order_id not in rows:
            return False
        row = rows[found.order_id]
        return found.quantity_filled == row.quantity - row.quantity_remaining

    def _modified_truly(self, told: Told) -> bool:
        outcome = told.outcome
        if not isinstance(outcome, Order):
            return isinstance(outcome, QfexError)
        terms = (outcome.price, outcome.quantity) == (told.asked["price"], told.asked["quantity"])
        return terms and outcome.order_id in self._rows[told.asked["client_order_id"]]

    def _cancelled_truly(self, told: Told) -> bool:
        outcome, rows = told.outcome, self._rows[told.asked["client_order_id"]]
        if isinstance(outcome, Order):
            return outcome.order_id in rows and "CANCELLED" in self._states[outcome.order_id]
        if isinstance(outcome, OrderRejected) and outcome.status is OrderStatus.NO_SUCH_ORDER:
            replaced = len(rows) > 1
            return replaced or _is_over(rows[told.key])
        return isinstance(outcome, QfexError)

    def _all_cancelled_truly(self, told: Told) -> bool:
        if not isinstance(told.outcome, list):
            return isinstance(told.outcome, QfexError)
        return all(_is_cancelled(self._states[order.order_id]) for order in told.outcome)

    def _waited_truly(self, told: Told) -> bool:
        outcome = told.outcome
        if isinstance(outcome, Order):
            return outcome.order_id in self._rows[told.asked["client_order_id"]]
        return isinstance(outcome, NotConnected)

    def _found_truly(self, told: Told) -> bool:
        outcome = told.outcome
        if isinstance(outcome, Order):
            return outcome.client_order_id == told.key
        if isinstance(outcome, OrderRejected):
            return not isinstance(self._placed.get(told.key), Order)
        return isinstance(outcome, QfexError)

    # --- everything else ---------------------------------------------------------------------------------------

    def _listed_truly(self, told: Told) -> bool:
        if isinstance(told.outcome, QfexError):
            return True
        orders = told.outcome.orders
        return len(orders) <= told.asked["limit"] and {order.symbol for order in orders} <= {
            told.asked["symbol"]
        }

    def _traded_truly(self, told: Told) -> bool:
        if isinstance(told.outcome, QfexError):
            return True
        order_id = told.asked["order_id"]
        return len(told.outcome) <= told.asked["limit"] and all(
            order_id in (None, row.order_id) for row in told.outcome
        )

    def _levels_truly(self, told: Told) -> bool:
        return isinstance(told.outcome, QfexError) or len(told.outcome) <= 2

    def _settings_truly(self, told: Told) -> bool:
        if isinstance(told.outcome, QfexError):
            return True
        symbols = [row.symbol for row in told.outcome]
        return len(symbols) == len(set(symbols))

    def _twap_truly(self, told: Told) -> bool:
        outcome = told.outcome
        return isinstance(outcome, QfexError) or (
            isinstance(outcome, Twap) and outcome.client_twap_id == told.key
        )


_CHECKS = {
    "add_order": Audit._placed_truly,
    "add_stop": Audit._placed_truly,
    "close_position": Audit._placed_truly,
    "modify_order": Audit._modified_truly,
    "cancel_order": Audit._cancelled_truly,
    "cancel_all_orders": Audit._all_cancelled_truly,
    "wait": Audit._waited_truly,
    "get_order": Audit._found_truly,
    "get_user_orders": Audit._listed_truly,
    "get_user_trades": Audit._traded_truly,
    "get_available": Audit._levels_truly,
    "get_leverage": Audit._settings_truly,
    "add_twap": Audit._twap_truly,
}


def _never_sent(outcome: Any) -> bool:
    unsent = isinstance(outcome, RequestTimeout) and not outcome.sent
    return unsent or isinstance(outcome, NotConnected | ValidationError)


def _is_over(row: OrderRow) -> bool:
    filled = row.status == "FILLED" and row.quantity_remaining == 0
    return filled or OrderStatus(row.status).is_terminal


def _is_cancelled(states: Iterable[str]) -> bool:
    return any(OrderStatus(state).is_cancellation for state in states)


def armed_late(ledger: AuditTrail, account_id: str) -> list[int]:
    """Connections of an account on which something could be traded before cancel-on-disconnect was armed."""
    armed: set[int] = set()
    late: set[int] = set()
    for entry in ledger.received:
        if entry.account_id != account_id:
            continue
        if entry.command == "cancel_on_disconnect":
            armed.add(entry.connection)
        elif entry.command not in ("auth", "subscribe") and entry.connection not in armed:
            late.add(entry.connection)
    return sorted(late)


def untrue_fills(told: list[Any], ledger: AuditTrail, account_id: str) -> list[str]:
    """Fills that were lost, told twice, or told out of their order."""
    received = [(fill.trade_id, fill.order_id) for fill in told]
    done = [(fill.trade_id, fill.order_id) for fill in ledger.fills_of(account_id)]
    problems = [f"fill told {times} times: {key}" for key, times in Counter(received).items() if times > 1]
    problems += [f"fill lost: {key}" for key in set(done) - set(received)]
    problems += [f"fill that never was: {key}" for key in set(received) - set(done)]
    if not problems and received != done:
        place = next(
            place for place, pair in enumerate(zip(received, done, strict=True)) if pair[0] != pair[1]
        )
        problems.append(f"fills out of order: {received[place]} was told before {done[place]}")
    return problems
