"""Each call ends exactly once, as the table of outcomes says, in whatever order its threads run."""

from __future__ import annotations

from typing import Any

from qfex import NotConnected, OpenOrders, Order, OutcomeUnknown
from tests.interleavings.support import AT_ONCE, NO_LIMIT, Trading, explore


def is_answered(name: str, outcome: Any) -> bool:
    return isinstance(outcome, Order) and outcome.client_order_id == name


def is_unknown(outcome: Any, *reasons: str) -> bool:
    return isinstance(outcome, OutcomeUnknown) and outcome.reason in reasons


def only_end(trading: Trading, name: str) -> Any:
    (outcome,) = trading.ends[name]
    return outcome


def test_two_orders_get_each_its_own_answer() -> None:
    def invariant(trading: Trading) -> bool:
        return all(is_answered(name, only_end(trading, name)) for name in ("one", "two"))

    workers = [lambda t: t.place("one"), lambda t: t.place("two"), lambda t: t.answer(2)]
    explore(Trading, workers, invariant).assert_holds()


def test_an_order_that_times_out_as_its_answer_comes_is_answered_or_unknown() -> None:
    def invariant(trading: Trading) -> bool:
        outcome = only_end(trading, "one")
        return (is_answered("one", outcome) or is_unknown(outcome, "timeout")) and not len(
            trading.connection._table
        )

    workers = [lambda t: t.place("one", AT_ONCE), lambda t: t.answer(1)]
    explore(Trading, workers, invariant).assert_holds()


def test_queries_that_take_turns_get_each_its_own_answer() -> None:
    def invariant(trading: Trading) -> bool:
        pages = [only_end(trading, name) for name in ("one", "two")]
        lists = {each.orders[0].client_order_id for each in pages if isinstance(each, OpenOrders)}
        return lists == {"list-0", "list-1"}

    workers = [lambda t: t.list_orders("one"), lambda t: t.list_orders("two"), lambda t: t.answer(2)]
    explore(Trading, workers, invariant).assert_holds()


def test_a_query_after_one_that_timed_out_gets_its_own_answer() -> None:
    def invariant(trading: Trading) -> bool:
        names = [message["type"] for message in trading.wire.messages]
        first, second = only_end(trading, "one"), only_end(trading, "two")
        lists = [each.orders[0].client_order_id for each in (first, second) if isinstance(each, OpenOrders)]
        return len(names) == 2 and isinstance(second, OpenOrders) and len(set(lists)) == len(lists)

    workers = [lambda t: t.list_orders("one", AT_ONCE), lambda t: t.list_orders("two"), lambda t: t.answer(2)]
    explore(Trading, workers, invariant).assert_holds()


def test_an_order_whose_connection_is_lost_as_its_answer_comes_is_answered_or_unknown() -> None:
    def end(trading: Trading) -> None:
        trading.end(closed=True)
        trading.session.closing.set()
        trading.wire.abort()
        trading.session.notify()

    def invariant(trading: Trading) -> bool:
        outcome = only_end(trading, "one")
        sent = bool(trading.wire.messages)
        if isinstance(outcome, NotConnected):
            return not sent
        return sent and (is_answered("one", outcome) or is_unknown(outcome, "closed"))

    workers = [lambda t: t.place("one"), lambda t: t.answer(1), end]
    explore(Trading, workers, invariant).assert_holds()


def test_a_close_ends_every_call_once() -> None:
    def read(trading: Trading) -> None:
        trading.answer(1)
        trading.wire.changed.wait_until(lambda: trading.wire.is_cut, NO_LIMIT)
        trading.end(closed=True)

    def close(trading: Trading) -> None:
        trading.session._transport = trading.wire  # type: ignore[assignment]
        trading.session.close()

    def invariant(trading: Trading) -> bool:
        outcome = only_end(trading, "one")
        if isinstance(outcome, NotConnected):
            return not trading.wire.messages
        return is_answered("one", outcome) or is_unknown(outcome, "closed", "connection lost")

    explore(Trading, [lambda t: t.place("one"), read, close], invariant).assert_holds()


def test_a_renewal_loses_no_answer_and_sends_no_order_twice() -> None:
    def read(trading: Trading) -> None:
        """Answer on the first connection until it is cut, then on the next."""
        old, place = trading.wire, 0
        while not old.is_cut or place < len(old.messages):
            old.changed.wait_until(lambda: old.is_cut or len(old.messages) > place, NO_LIMIT)
            if place < len(old.messages):
                trading.answer(place + 1) if place == 0 else None
                place += 1
        first = len(old.messages)
        trading.end()
        trading.wire, trading.connection = trading.connect()
        trading.session.notify()
        trading.first_sent = first  # type: ignore[attr-defined]
        trading.answer(1 - first)

    def invariant(trading: Trading) -> bool:
        total = trading.first_sent + len(trading.wire.messages)  # type: ignore[attr-defined]
        return total == 1 and is_answered("one", only_end(trading, "one"))

    def renew(trading: Trading) -> None:
        trading.session.renew(trading.connection, NO_LIMIT)

    explore(Trading, [lambda t: t.place("one"), read, renew], invariant).assert_holds()
