"""Each call ends exactly once, as the table of outcomes says, in whatever order its threads run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from qfex import NotConnected, OpenOrders, Order, OutcomeUnknown, RequestTimeout
from tests.interleavings.support import (
    AT_ONCE,
    NO_LIMIT,
    PendingRequest,
    Trading,
    WaitList,
    explore,
    order,
    sample,
    with_sent_order,
)


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
    sample(Trading, workers, invariant).assert_holds()


def test_a_caller_that_wakes_finds_its_answer() -> None:
    def setup() -> Any:
        request = PendingRequest(order("one"), waiting=WaitList())
        return SimpleNamespace(request=request, found=[])

    def wait(state: Any) -> None:
        state.request.wait(NO_LIMIT)
        state.found.append(state.request.outcome)

    def resolve(state: Any) -> None:
        state.request.resolve("the answer")

    explore(setup, [wait, resolve], lambda state: state.found == ["the answer"]).assert_holds()


def test_an_order_that_times_out_as_its_answer_comes_is_answered_or_unknown() -> None:
    def invariant(trading: Trading) -> bool:
        outcome = only_end(trading, "one")
        return (is_answered("one", outcome) or is_unknown(outcome, "timeout")) and not len(
            trading.connection._table
        )

    workers = [lambda t: t.place("one", AT_ONCE), lambda t: t.answer(1)]
    sample(Trading, workers, invariant).assert_holds()


def is_list_of(name: str, outcome: Any) -> bool:
    return isinstance(outcome, OpenOrders) and [each.client_order_id for each in outcome.orders] == [name]


def test_queries_that_take_turns_get_each_its_own_answer() -> None:
    def invariant(trading: Trading) -> bool:
        own = all(is_list_of(name, only_end(trading, name)) for name in ("list-1", "list-2"))
        return own and trading.wire.most_in_flight == 1

    workers = [lambda t: t.list_orders(1), lambda t: t.list_orders(2), lambda t: t.answer(2)]
    sample(Trading, workers, invariant).assert_holds()


def test_a_query_after_one_that_timed_out_gets_its_own_answer() -> None:
    def invariant(trading: Trading) -> bool:
        first, second = only_end(trading, "list-1"), only_end(trading, "list-2")
        timed_out = isinstance(first, RequestTimeout) and first.sent
        return (timed_out or is_list_of("list-1", first)) and is_list_of("list-2", second)

    workers = [lambda t: t.list_orders(1, AT_ONCE), lambda t: t.list_orders(2), lambda t: t.answer(2)]
    sample(Trading, workers, invariant).assert_holds()


def test_the_late_reply_to_a_query_answers_no_later_one() -> None:
    def setup() -> Trading:
        trading = Trading()
        trading.list_orders(1, AT_ONCE)
        return trading

    def invariant(trading: Trading) -> bool:
        return is_list_of("list-2", only_end(trading, "list-2"))

    sample(setup, [lambda t: t.list_orders(2), lambda t: t.answer(2)], invariant).assert_holds()


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
    sample(Trading, workers, invariant).assert_holds()


def read_until_cut(trading: Trading) -> None:
    trading.wire.changed.wait_until(lambda: trading.wire.is_cut, NO_LIMIT)
    trading.end(closed=True)


def close(trading: Trading) -> None:
    trading.session.close()


def test_a_close_ends_a_call_that_may_be_answered_meanwhile() -> None:
    def read(trading: Trading) -> None:
        trading.answer(1)
        read_until_cut(trading)

    def invariant(trading: Trading) -> bool:
        outcome = only_end(trading, "one")
        return is_answered("one", outcome) or is_unknown(outcome, "closed")

    sample(with_sent_order, [Trading.await_sent, read, close], invariant).assert_holds()


def test_a_close_ends_a_call_that_is_not_answered() -> None:
    def invariant(trading: Trading) -> bool:
        return is_unknown(only_end(trading, "one"), "closed")

    sample(with_sent_order, [Trading.await_sent, read_until_cut, close], invariant).assert_holds()


def test_a_close_while_an_order_is_sent_ends_the_call() -> None:
    def invariant(trading: Trading) -> bool:
        outcome = only_end(trading, "one")
        if trading.wire.messages:
            return is_unknown(outcome, "closed")
        return isinstance(outcome, NotConnected)

    sample(Trading, [lambda t: t.place("one"), read_until_cut, close], invariant).assert_holds()


def test_a_renewal_loses_no_answer_and_sends_no_order_twice() -> None:
    def read(trading: Trading) -> None:
        """Answer on the first connection until it is cut, then on the next."""
        first = trading.wire
        trading.answer(1)
        first.changed.wait_until(lambda: first.is_cut, NO_LIMIT)
        trading.end()
        trading.wires = [first, trading.connect_again()]
        trading.answer(1 - len(first.messages))

    def renew(trading: Trading) -> None:
        trading.session.renew(trading.first_connection, NO_LIMIT)

    def invariant(trading: Trading) -> bool:
        sent = [message for wire in trading.wires for message in wire.messages]
        return len(sent) == 1 and is_answered("one", only_end(trading, "one"))

    sample(Trading, [lambda t: t.place("one"), read, renew], invariant).assert_holds()
