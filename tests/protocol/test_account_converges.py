"""Whatever happens on the wire: once all is answered and quiet, what is known of the account is what the exchange has.

One `TradeConnection` after the other plays against a model of the exchange: random commands, fills, other sessions, lost
and repeated messages, errors, cuts. Nothing here waits, sleeps or uses a socket.
"""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qfex import Channel, Order, OrderStatus
from qfex.errors import ServerError
from qfex.protocol.command import Command, Request
from qfex.protocol.connection import ProcedureRun
from qfex.protocol.events import Event
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.connection import TradeConnection

from .connections import CLOCK, trade_endpoint
from .in_flight import AAPL, limit, modify
from .model_exchange import ModelExchange, Styles

PRICES = st.integers(100, 120).map(D)
QUANTITIES = st.integers(1, 4).map(D)
FAILING = ["get_user_orders", "get_order", "get_user_trades", "subscribe", "modify_order", "cancel_order"]
PATIENCE = 1.5  # seconds for an answer to a step of a resync
QUIET = 12.0  # seconds within which all is known again


class Driver:
    """A client without threads: it keeps a connection, and records what its user would see."""

    def __init__(self, exchange: ModelExchange) -> None:
        self.exchange = exchange
        self.endpoint = trade_endpoint()
        self.account = self.endpoint.account
        self.connection: TradeConnection | None = None
        self.phase = ""  # "login", "resync" or "in use"
        self._run: ProcedureRun | None = None
        self.to_exchange: list[Any] = []
        self.events: list[Event] = []
        self.outcomes: list[tuple[Command, Any]] = []
        self.connections = 0

    @property
    def is_in_use(self) -> bool:
        return self.phase == "in use"

    def connect(self) -> None:
        self.exchange.connect()
        self.connection = self.endpoint.new_connection(CLOCK)
        self.connections += 1
        self.phase = "login"
        self._run = self.connection.start(self.connection.login(lambda: None), patience=PATIENCE)
        self._advance()

    def cut(self) -> None:
        if self.connection is not None:
            self.connection.ended()
        self.exchange.disconnect()
        self.connection, self.phase, self._run, self.to_exchange = None, "", None, []

    def send(self, command: Command) -> Request:
        assert self.connection is not None
        request = Request(command)
        self.to_exchange.append(json.loads(self.connection.send(command, request)))
        return request

    def receive(self, message: Any) -> None:
        if self.connection is None:
            return
        answers, events = self.connection.receive(json.dumps(message).encode())
        self._note(answers, events)
        self._advance()

    def work(self) -> None:
        if self.connection is not None:
            self._note(*self.connection.work())
            if self.connection.is_overdue and self.is_in_use:
                self.cut()
                self.connect()
            self._advance()

    def answer_inquiries(self, *, fails: bool = False) -> None:
        if self.connection is None:
            return
        inquiries, self.connection.inquiries = self.connection.inquiries, []
        for inquiry in inquiries:
            question: Any = inquiry.command
            # Of one order alone the history is the last source, and its error is taken for "nothing found".
            is_down = fails and question.client_order_id is None
            found = self.exchange.history(question)
            self.connection.answer_inquiry(inquiry, ServerError("the history is down") if is_down else found)  # type: ignore[arg-type]
        self._advance()

    def _note(self, answers: Any, events: list[Event]) -> None:
        self.outcomes += [(request.command, outcome) for request, outcome in answers]
        self.events += events

    def _advance(self) -> None:
        """Go on from login to resync to use, as far as the procedures are done; send what they have to say."""
        connection = self.connection
        assert connection is not None
        while self._run is not None and self._run.done:
            if self._run.error is not None:
                self.cut()
                return
            if self.phase == "login" and self.connections > 1:
                self.phase = "resync"
                self._run = connection.start(connection.resync(), patience=PATIENCE)
            else:
                self.phase, self._run = "in use", None
                self.events += connection.release()
        messages, connection.outgoing = connection.outgoing, []
        self.to_exchange += [json.loads(message) for message in messages]


class AccountMachine(RuleBasedStateMachine):
    """Random histories of one account."""

    def __init__(self) -> None:
        super().__init__()
        CLOCK.now = 0.0  # a new exchange: the same moves have the same times
        self.numbers = iter(range(1_000_000))
        self.loses_messages = False
        self.loses_fills = False
        #: Replaced by another session, and perhaps reported as cancelled without a word of that: this is their end.
        self.cancelled_first: set[str] = set()
        self.modified_here: set[str] = set()

    @initialize(
        has_times=st.booleans(), query_gives_list=st.booleans(), query_knows_ended=st.booleans(),
        newest_first=st.booleans(), fills=st.booleans(),
    )  # fmt: skip
    def begin(self, fills: bool, **styles: bool) -> None:
        self.exchange = ModelExchange(Styles(**styles), CLOCK)
        self.driver = Driver(self.exchange)
        self.account = self.driver.account
        self.exchange.fill(self.exchange.place("earlier", D(100), D(1)).order_id, D(1))
        self.driver.connect()
        self.settle()
        self.follows_fills = fills
        if fills:
            self.driver.send(c.Subscribe((Channel.FILLS,)))
            self.settle()
            self.account.fills.set_baseline(self.exchange.known_trades())

    # --- the wire ----------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5), data=st.data())
    def deliver_commands(self, count: int, data: st.DataObject) -> None:
        """The exchange carries out what has arrived."""
        for _ in range(min(count, len(self.driver.to_exchange))):
            command = self.driver.to_exchange.pop(0)
            choices = data.draw(self.ways_of_modifying()) if command["type"] == "modify_order" else {}
            self.exchange.receive(command, **choices)

    @rule(count=st.integers(1, 5))
    def deliver_messages(self, count: int) -> None:
        for _ in range(count):
            if self.exchange.outgoing:
                self.driver.receive(self.exchange.outgoing.pop(0))

    @precondition(lambda self: self.exchange.outgoing)
    @rule()
    def lose_a_message(self) -> None:
        lost = self.exchange.outgoing.pop(0)
        self.loses_messages = True
        self.loses_fills |= "fill_response" in lost
        replacement = lost.get("order_response", {}).get("order_id")
        if before := [old for old, new in self.exchange.successors.items() if new == replacement]:
            self.cancelled_first |= {*before, replacement}

    @precondition(lambda self: self.exchange.outgoing)
    @rule()
    def repeat_a_message(self) -> None:
        self.driver.receive(self.exchange.outgoing[0])
        if self.exchange.is_connected:
            self.driver.receive(self.exchange.outgoing.pop(0))

    @rule()
    def cut(self) -> None:
        self.driver.cut()
        self.driver.connect()
        self.loses_messages = False

    @rule(
        kind=st.sampled_from(
            ["get_user_orders", "get_order", "get_user_trades", "subscribe", "modify_order", "cancel_order"]
        )
    )
    def fail_the_next(self, kind: str) -> None:
        self.exchange.fails_next = kind

    @rule(fails=st.booleans())
    def answer_inquiries(self, fails: bool) -> None:
        self.driver.answer_inquiries(fails=fails)

    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0]))
    def time_passes(self, seconds: float) -> None:
        CLOCK.advance(seconds)
        self.driver.work()

    # --- the user ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.driver.is_in_use)
    @rule(price=PRICES, quantity=QUANTITIES, refused=st.sampled_from(["", "", "refused-"]))
    def place(self, price: D, quantity: D, refused: str) -> None:
        self.driver.send(limit(f"{refused}c{next(self.numbers)}", str(price), str(quantity)))

    @precondition(lambda self: self.driver.is_in_use and self.account.orders.live)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = self.draw_known(data)
        self.driver.send(c.CancelOrder(AAPL, order.order_id))

    @precondition(lambda self: self.driver.is_in_use and self.account.orders.live)
    @rule(data=st.data(), price=PRICES, quantity=QUANTITIES)
    def modify(self, data: st.DataObject, price: D, quantity: D) -> None:
        order = self.draw_known(data)
        command = modify(order.order_id, str(price), str(quantity), client_order_id=order.client_order_id)
        assert self.driver.connection is not None
        if self.driver.connection.table.holder(command) is None:
            self.driver.send(command)
            self.modified_here.add(order.order_id)

    @precondition(lambda self: self.driver.connection is not None and len(self.driver.connection.table))
    @rule(data=st.data())
    def stop_waiting(self, data: st.DataObject) -> None:
        """A call's time is up."""
        connection = self.driver.connection
        assert connection is not None
        calls = [each for each in connection.table if type(each) is Request and not each.given_up]
        if calls:
            connection.give_up(data.draw(st.sampled_from(calls)))

    def draw_known(self, data: st.DataObject) -> Order:
        return data.draw(st.sampled_from(list(self.account.orders.live.values())))

    # --- the market and other sessions -------------------------------------------------------------------------

    @precondition(lambda self: self.exchange.live)
    @rule(data=st.data(), quantity=QUANTITIES, fill_first=st.booleans())
    def fill(self, data: st.DataObject, quantity: D, fill_first: bool) -> None:
        self.exchange.fill(self.draw_live(data), quantity, fill_first=fill_first)

    @rule(price=PRICES, quantity=QUANTITIES)
    def another_session_places(self, price: D, quantity: D) -> None:
        self.exchange.place(f"other{next(self.numbers)}", price, quantity)

    @precondition(lambda self: self.exchange.live)
    @rule(data=st.data())
    def another_session_cancels(self, data: st.DataObject) -> None:
        self.exchange.cancel(self.draw_live(data))

    @precondition(lambda self: self.exchange.live)
    @rule(data=st.data(), price=PRICES, quantity=QUANTITIES)
    def another_session_modifies(self, data: st.DataObject, price: D, quantity: D) -> None:
        order_id, how = self.draw_live(data), data.draw(self.ways_of_modifying())
        if (
            order_id in self.modified_here
        ):  # two modifies of one order: which of them took place may never be known
            return
        if how["old_leg"] == "before":
            self.cancelled_first.add(order_id)
        self.exchange.modify(order_id, price, quantity, **how)

    @rule(
        data=st.data(),
        status=st.sampled_from(["REJECTED", "FAILED_MARGIN_CHECK", "CANNOT_MODIFY_NO_SUCH_ORDER"]),
    )
    def another_session_is_refused(self, data: st.DataObject, status: str) -> None:
        """It looks like the refusal of a new order, unless that order was acknowledged before."""
        known = [order_id for order_id in self.exchange.orders if order_id in self.account.orders]
        if known:
            order = self.exchange.orders[data.draw(st.sampled_from(known))]
            self.exchange.refuse_a_request(order, status)

    def draw_live(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.exchange.live)))

    def ways_of_modifying(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "old_leg": st.sampled_from(["", "before", "after"]),
                "early": st.sampled_from([D(0), D(0), D(1)]),
            }
        )

    # --- quiet -------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Deliver and answer everything, until there is nothing more to ask."""
        driver, exchange = self.driver, self.exchange
        exchange.fails_next = ""
        if driver.connection is None:
            driver.connect()
        until = CLOCK.now + QUIET
        while CLOCK.now < until:
            while driver.to_exchange or exchange.outgoing:
                while driver.to_exchange:
                    exchange.receive(driver.to_exchange.pop(0))
                while exchange.outgoing:
                    driver.receive(exchange.outgoing.pop(0))
            driver.answer_inquiries()
            if driver.connection is None:
                driver.connect()
            CLOCK.advance(0.1)
            driver.work()

    def check(self) -> None:
        exchange, account = self.exchange, self.account
        assert self.driver.is_in_use
        assert account.questions.open() == []
        assert _terms(account.orders.live) == _terms(exchange.live)
        for order_id, order in exchange.orders.items():
            known = account.orders.get(order_id)
            if known is None or order.is_live or (known.order_id in self.cancelled_first and known.is_done):
                continue
            last = exchange.last_state(order_id)
            assert known.is_done == last.is_done and known.quantity_filled == last.quantity_filled
            assert known.order_id == last.order_id
            if last.is_done:
                assert known.status in (last.status, OrderStatus.NO_SUCH_ORDER)
        assert {channel.value for channel in account.in_force} == exchange.subscribed
        assert account.in_force == set(account.channels)
        self.check_fills()
        self.check_events()

    def check_fills(self) -> None:
        if not self.follows_fills:
            return
        delivered = [event.value.trade_id for event in self.driver.events if event.channel is Channel.FILLS]
        traded = [trade.trade_id for trade in self.exchange.trades[1:]]
        assert len(delivered) == len(set(delivered))
        assert (sorted(delivered) == sorted(traded)) if self.loses_fills else (delivered == traded)

    def check_events(self) -> None:
        """Events of one order never go backwards, but for an end that was presumed."""
        progress: dict[str, tuple[bool, D]] = {}
        for event in self.driver.events:
            if event.channel is not Channel.ORDERS or event.value.status.is_rejection:
                continue
            state = event.value.is_done, event.value.quantity_filled
            assert progress.get(event.value.order_id, state) <= state
            progress[event.value.order_id] = state

    def teardown(self) -> None:
        if not hasattr(self, "driver"):
            return
        if self.loses_messages:
            self.cut()  # nobody can know what was lost on a connection that is well
        self.account.questions.want_list()
        self.settle()
        self.check()


def _terms(orders: dict[str, Order]) -> dict[str, tuple[D, ...]]:
    return {
        order_id: (order.price, order.quantity, order.quantity_remaining)
        for order_id, order in orders.items()
    }


def test_r48_once_all_is_quiet_the_account_is_the_exchanges() -> None:
    same_each_time = settings(
        max_examples=150,
        stateful_step_count=40,
        derandomize=True,  # who searches for more lets it draw, and raises the numbers
        deadline=None,
        phases=(Phase.generate, Phase.shrink),  # explaining a failure takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AccountMachine, settings=same_each_time)
