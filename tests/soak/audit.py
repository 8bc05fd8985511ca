"""The check of a soak: the outcomes of all calls against the exchange's own ledger."""

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
from tests.soak.trader import CallRecord

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
    """The comparison of all calls with the ledger.

    Parameters
    ----------
    ledger : AuditTrail
        The ledger of the exchange.
    records : list of CallRecord
        All calls.
    resolved : dict
        The results of `resolve`, by client order id, for orders whose outcome was unknown.
    """

    def __init__(self, ledger: AuditTrail, records: list[CallRecord], resolved: dict[str, Any]) -> None:
        self._ledger = ledger
        self._records = records
        self._resolved = resolved
        self._rows: dict[str, dict[str, OrderRow]] = defaultdict(dict)
        self._states: dict[str, set[str]] = defaultdict(set)
        self._owner: dict[str, str] = {}
        for row in ledger.changes:
            self._rows[row.client_order_id][row.order_id] = row
            self._states[row.order_id].add(row.status)
            self._owner.setdefault(row.order_id, row.client_order_id)  # later refusals may lack it
        self._placed = {record.key: record.outcome for record in records if record.command in _PLACING}

    def lies(self) -> Iterator[str]:
        """Every outcome that is not true, or that came too late."""
        yield from self._sent_too_often()
        for record in self._records:
            if record.seconds > record.timeout + OVERTIME:
                yield f"took {record.seconds:.2f} s: {record}"
            if isinstance(record.outcome, Exception) and not isinstance(record.outcome, QfexError):
                yield f"raised an undocumented exception: {record}"
            elif not self._is_true(record):
                yield f"not true: {record}, ledger {self._rows.get(record.key)}"

    def _sent_too_often(self) -> Iterator[str]:
        """Commands of which more reached the exchange than calls may have sent, by order."""
        allowed: Counter[tuple[str, str]] = Counter()
        for record in self._records:
            if record.command in _NAMED and not _never_sent(record.outcome):
                allowed[_NAMED[record.command], self._order_of(record.key)] += 1
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

    def _is_true(self, record: CallRecord) -> bool:
        check = _CHECKS.get(record.command)
        return check is None or check(self, record)

    # --- orders ---------------------------------------------------------------------------------------------

    def _placement_is_true(self, record: CallRecord) -> bool:
        outcome, rows = record.outcome, self._rows.get(record.key, {})
        if isinstance(outcome, OutcomeUnknown):
            return record.command == "close_position" or self._resolution_is_true(record, rows)
        if isinstance(outcome, OrderRejected | ApiError):
            return all(OrderStatus(row.status).is_rejection for row in rows.values())
        if isinstance(outcome, Exception):
            return _never_sent(outcome) and not rows
        same = (
            isinstance(outcome, Order)
            and outcome.order_id in rows
            and outcome.client_order_id in (record.key, "")
        )
        return same and all(getattr(outcome, name) == value for name, value in self._fixed(record).items())

    @staticmethod
    def _fixed(record: CallRecord) -> dict[str, Any]:
        """The requested terms that an order keeps."""
        return {
            name: record.request[name] for name in ("symbol", "side", "quantity") if name in record.request
        }

    def _resolution_is_true(self, record: CallRecord, rows: dict[str, OrderRow]) -> bool:
        found = self._resolved.get(record.key)
        placed = {order_id for order_id, row in rows.items() if not OrderStatus(row.status).is_rejection}
        if found is None:
            return record.key in self._resolved and not placed
        if isinstance(found, OutcomeUnknown) and "without a client order id" in found.reason:
            return True  # open stops, which the documented exchange lists without client order ids
        if not isinstance(found, Order) or found.order_id not in rows:
            return False
        row = rows[found.order_id]
        return found.quantity_filled == row.quantity - row.quantity_remaining

    def _modify_is_true(self, record: CallRecord) -> bool:
        outcome = record.outcome
        if not isinstance(outcome, Order):
            return isinstance(outcome, QfexError)
        terms = (outcome.price, outcome.quantity) == (record.request["price"], record.request["quantity"])
        return terms and outcome.order_id in self._rows[record.request["client_order_id"]]

    def _cancel_is_true(self, record: CallRecord) -> bool:
        outcome, rows = record.outcome, self._rows[record.request["client_order_id"]]
        if isinstance(outcome, Order):
            return outcome.order_id in rows and "CANCELLED" in self._states[outcome.order_id]
        if isinstance(outcome, OrderRejected) and outcome.status is OrderStatus.NO_SUCH_ORDER:
            replaced = len(rows) > 1
            return replaced or _is_over(rows[record.key])
        return isinstance(outcome, QfexError)

    def _cancel_all_is_true(self, record: CallRecord) -> bool:
        if not isinstance(record.outcome, list):
            return isinstance(record.outcome, QfexError)
        return all(_is_cancelled(self._states[order.order_id]) for order in record.outcome)

    def _wait_is_true(self, record: CallRecord) -> bool:
        outcome = record.outcome
        if isinstance(outcome, Order):
            return outcome.order_id in self._rows[record.request["client_order_id"]]
        return isinstance(outcome, NotConnected)

    def _query_is_true(self, record: CallRecord) -> bool:
        outcome = record.outcome
        if isinstance(outcome, Order):
            return outcome.client_order_id == record.key
        if isinstance(outcome, OrderRejected):
            return not isinstance(self._placed.get(record.key), Order)
        return isinstance(outcome, QfexError)

    # --- everything else ------------------------------------------------------------------------------------

    def _list_is_true(self, record: CallRecord) -> bool:
        if isinstance(record.outcome, QfexError):
            return True
        orders = record.outcome.orders
        return len(orders) <= record.request["limit"] and {order.symbol for order in orders} <= {
            record.request["symbol"]
        }

    def _trades_are_true(self, record: CallRecord) -> bool:
        if isinstance(record.outcome, QfexError):
            return True
        order_id = record.request["order_id"]
        return len(record.outcome) <= record.request["limit"] and all(
            order_id in (None, row.order_id) for row in record.outcome
        )

    def _levels_are_true(self, record: CallRecord) -> bool:
        return isinstance(record.outcome, QfexError) or len(record.outcome) <= 2

    def _leverage_is_true(self, record: CallRecord) -> bool:
        if isinstance(record.outcome, QfexError):
            return True
        symbols = [row.symbol for row in record.outcome]
        return len(symbols) == len(set(symbols))

    def _twap_is_true(self, record: CallRecord) -> bool:
        outcome = record.outcome
        return isinstance(outcome, QfexError) or (
            isinstance(outcome, Twap) and outcome.client_twap_id == record.key
        )


_CHECKS = {
    "add_order": Audit._placement_is_true,
    "add_stop": Audit._placement_is_true,
    "close_position": Audit._placement_is_true,
    "modify_order": Audit._modify_is_true,
    "cancel_order": Audit._cancel_is_true,
    "cancel_all_orders": Audit._cancel_all_is_true,
    "wait": Audit._wait_is_true,
    "get_order": Audit._query_is_true,
    "get_user_orders": Audit._list_is_true,
    "get_user_trades": Audit._trades_are_true,
    "get_available": Audit._levels_are_true,
    "get_leverage": Audit._leverage_is_true,
    "add_twap": Audit._twap_is_true,
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


def false_fills(delivered: list[Any], ledger: AuditTrail, account_id: str) -> list[str]:
    """Fills that were lost, delivered twice, or delivered out of order."""
    received = [(fill.trade_id, fill.order_id) for fill in delivered]
    done = [(fill.trade_id, fill.order_id) for fill in ledger.fills_of(account_id)]
    problems = [
        f"fill delivered {times} times: {key}" for key, times in Counter(received).items() if times > 1
    ]
    problems += [f"fill lost: {key}" for key in set(done) - set(received)]
    problems += [f"fill that never happened: {key}" for key in set(received) - set(done)]
    if not problems and received != done:
        place = next(
            place for place, pair in enumerate(zip(received, done, strict=True)) if pair[0] != pair[1]
        )
        problems.append(f"fills out of order: {received[place]} was delivered before {done[place]}")
    return problems
