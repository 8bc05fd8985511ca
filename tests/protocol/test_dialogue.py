"""What is said on a line of the trade gateway, and what its messages change. No thread, no socket, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    Balance,
    Channel,
    ErrorCode,
    Fill,
    HmacCredentials,
    JwtCredentials,
    NotConnected,
    OpenOrders,
    Order,
    OrderRejected,
    OrderStatus,
    Position,
    RequestTimeout,
    ServerError,
    Side,
    StopOrder,
    Twap,
    UserTrade,
)
from qfex.protocol import commands as c
from qfex.protocol.events import Event, Policy
from qfex.protocol.matching import Request
from qfex.protocol.messages import Ack, Failure, Undecodable
from qfex.protocol.trade import PAGE, TradeDialogue

from .book import AAPL, limit, modify, order, stop_order

KEYS = HmacCredentials("qfex_pub_1&", "qfex_secret_1")


def dialogue(url: str = "wss://trade.example/", **options: Any) -> TradeDialogue:
    return TradeDialogue(
        url, options.pop("credentials", KEYS), options.pop("account_id", None), lambda: 1_000_000.0
    )


def answered(command: c.Command, outcome: Any = None) -> list[tuple[Any, Any]]:
    return [(Request(command), outcome)]


def told(events: Any) -> list[tuple[Any, Any]]:
    return [(event.channel, event.value) for event in events]


class Talk:
    """The exchange's part in a conversation: takes what is asked, gives answers or exceptions."""

    def __init__(self, conversation: Any) -> None:
        self._conversation = conversation
        self.asked: Sequence[c.Command] = conversation.send(None)
        self.over = False

    def answer(self, *outcomes: Any) -> Sequence[c.Command]:
        """Answer what was asked; what is asked next."""
        assert len(outcomes) == len(self.asked)
        error = next((outcome for outcome in outcomes if isinstance(outcome, Exception)), None)
        try:
            if error is None:
                self.asked = self._conversation.send(list(outcomes))
            else:
                self.asked = self._conversation.throw(error)
        except StopIteration:
            self.asked, self.over = (), True
        return self.asked


# --- where and who -----------------------------------------------------------------------------------------------


def test_the_public_key_goes_into_the_query_as_documented() -> None:
    assert dialogue("wss://trade.example").endpoint() == ("wss://trade.example/?api_key=qfex_pub_1%26", {})
    assert dialogue("ws://h:1/x?a=b").endpoint() == ("ws://h:1/x?a=b&api_key=qfex_pub_1%26", {})


def test_a_token_never_goes_into_an_url() -> None:
    url, headers = dialogue(credentials=JwtCredentials("tok")).endpoint()
    assert url == "wss://trade.example/" and headers == {"Authorization": "Bearer tok"}


# --- opening -----------------------------------------------------------------------------------------------------


def opening(talk: TradeDialogue, skew: float | None = None) -> Talk:
    return Talk(talk.opening(lambda: skew))


def test_a_line_opens_with_authentication_then_the_subscriptions() -> None:
    trade = dialogue(account_id="sub")
    trade.channels[Channel.FILLS] = None
    talk = opening(trade)
    (auth,) = talk.asked
    assert isinstance(auth, c.Authenticate) and auth.account_id == "sub"
    assert auth.proof["hmac"]["unix_ts"] == 1_000_000
    assert talk.answer(None) == [c.Subscribe((Channel.ORDERS, Channel.FILLS))]
    talk.answer(None)
    assert talk.over


def test_cancel_on_disconnect_is_armed_before_anything_else_on_every_line() -> None:
    trade = dialogue()
    trade.cancel_on_disconnect = True
    for _ in range(2):
        talk = opening(trade)
        assert talk.answer(None) == [c.SetCancelOnDisconnect(True), c.Subscribe((Channel.ORDERS,))]
        talk.answer(None, None)


def test_every_line_has_a_proof_of_its_own() -> None:
    trade = dialogue()
    proofs = [opening(trade).asked[0].proof["hmac"]["nonce"] for _ in range(3)]  # type: ignore[attr-defined]
    assert len(set(proofs)) == 3


def test_refused_credentials_are_final() -> None:
    talk = opening(dialogue())
    with pytest.raises(AuthenticationError):
        talk.answer(AuthenticationError("no"))


def test_with_a_wrong_clock_it_is_tried_once_more_by_the_peers() -> None:
    trade = dialogue()
    talk = opening(trade, skew=400.0)
    (again,) = talk.answer(AuthenticationError("no"))
    assert again.proof["hmac"]["unix_ts"] == 1_000_400  # type: ignore[attr-defined]
    assert talk.answer(None) == [c.Subscribe((Channel.ORDERS,))]
    (next_line,) = opening(trade, skew=400.0).asked
    assert next_line.proof["hmac"]["unix_ts"] == 1_000_400  # type: ignore[attr-defined]


def test_a_second_refusal_names_the_clock() -> None:
    talk = opening(dialogue(), skew=-400.0)
    talk.answer(AuthenticationError("no"))
    with pytest.raises(AuthenticationError, match="clock differs by -400 s"):
        talk.answer(AuthenticationError("no"))


# --- what was missed ---------------------------------------------------------------------------------------------


def trade_row(number: int, order_id: str = "o1", quantity: str = "1") -> UserTrade:
    return UserTrade(f"t{number}", AAPL, D(180), D(quantity), Side.BUY, order_id)


def with_orders(*orders: Order) -> TradeDialogue:
    trade = dialogue()
    for each in orders:
        trade.receive(each, [])
    return trade


def test_orders_that_are_still_listed_need_no_question() -> None:
    talk = Talk(with_orders(order()).recovery())
    assert talk.asked == [c.GetUserOrders(limit=PAGE, offset=0)]
    talk.answer(OpenOrders([order()]))
    assert talk.over


def test_every_page_of_open_orders_is_read() -> None:
    talk = Talk(with_orders(order()).recovery())
    talk.answer(OpenOrders([order(order_id=f"x{number}") for number in range(PAGE)]))
    assert talk.asked == [c.GetUserOrders(limit=PAGE, offset=PAGE)]
    talk.answer(OpenOrders([order()]))
    assert talk.over


def test_an_order_that_vanished_is_asked_for_and_told() -> None:
    trade = with_orders(order(), order(order_id="o2"))
    talk = Talk(trade.recovery())
    assert talk.answer(OpenOrders([order(order_id="o2")])) == [c.GetOrder(AAPL, "o1")]
    ended = order("CANCELLED")
    trade.receive(ended, answered(c.GetOrder(AAPL, "o1"), ended))
    talk.answer(ended)
    assert talk.over and list(trade.orders.live) == ["o2"]
    assert told(trade.released()) == [(Channel.ORDERS, ended)]
    assert list(trade.released()) == []


def test_an_order_that_was_modified_meanwhile_is_followed_to_its_new_id() -> None:
    trade = with_orders(order(), order(order_id="o9", client_order_id="c9"))
    talk = Talk(trade.recovery())
    new = order(order_id="o2", price=D(181))
    trade.receive(OpenOrders([new, order(order_id="o9", client_order_id="c9")]), [])
    talk.answer(OpenOrders([new, order(order_id="o9", client_order_id="c9")]))
    assert talk.over and sorted(trade.orders.live) == ["o2", "o9"]
    assert trade.orders.get("o1") == new
    assert told(trade.released()) == [(Channel.ORDERS, new)]


def test_what_cannot_be_asked_about_an_order_leaves_it_as_it_was() -> None:
    trade = with_orders(order())
    talk = Talk(trade.recovery())
    talk.answer(OpenOrders())
    talk.answer(ServerError(ErrorCode.SERVER_ERROR))
    assert talk.over and list(trade.orders.live) == ["o1"]
    (problem,) = trade.released()
    assert problem.value.kind == "recovery" and "o1" in problem.value.message


def test_another_refusal_says_nothing_about_an_order() -> None:
    trade = with_orders(order())
    talk = Talk(trade.recovery())
    talk.answer(OpenOrders())
    talk.answer(OrderRejected(OrderStatus.RATE_LIMITED))
    assert talk.over and list(trade.orders.live) == ["o1"] and list(trade.released()) == []


@pytest.mark.parametrize(
    "traded, status, left",
    [([], OrderStatus.NO_SUCH_ORDER, "1"), (["0.4"], OrderStatus.NO_SUCH_ORDER, "0.6"),
     (["0.4", "0.6"], OrderStatus.FILLED, "0.0")],
)  # fmt: skip
def test_of_an_order_that_nobody_knows_any_more_the_trades_tell(
    traded: list[str], status: OrderStatus, left: str
) -> None:
    trade = with_orders(order())
    talk = Talk(trade.recovery())
    talk.answer(OpenOrders())
    unknown = OrderRejected(OrderStatus.NO_SUCH_ORDER)
    assert talk.answer(unknown) == [c.GetUserTrades(order_id="o1", limit=PAGE)]
    rows = [trade_row(number, quantity=quantity) for number, quantity in enumerate(traded)]
    talk.answer([*rows, trade_row(9, "another")])
    ended = trade.orders.get("o1")
    assert talk.over and ended is not None and ended.is_done
    assert (ended.status, str(ended.quantity_remaining)) == (status, left)
    assert told(trade.released()) == [(Channel.ORDERS, ended)]


@pytest.mark.parametrize("given_up", [False, True])
@pytest.mark.parametrize(
    "command, bucket", [(limit(), "general"), (c.CancelOrder("o1", AAPL), "cancel"), (None, None)]
)
@pytest.mark.parametrize("text, seconds", [("retry after 1500ms", 1.5), ("slow down", None)])
def test_what_the_exchange_says_of_the_budget_is_passed_on(
    command: c.Command | None, bucket: str | None, text: str, seconds: float | None, given_up: bool
) -> None:
    said: list[Any] = []
    trade = dialogue()
    trade.on_rate_limit = lambda *word: said.append(word)
    failure = Failure(ErrorCode.RATE_LIMITED, text)
    answers = answered(command) if command else []
    for request, _ in answers:
        request.given_up = given_up
    events = told(trade.receive(failure, answers))
    assert said == [(bucket, seconds)]
    assert len(events) == (1 if given_up or command is None else 0)
    trade.receive(Failure(ErrorCode.SERVER_ERROR, text), answers)
    assert len(said) == 1


def test_an_order_that_is_refused_for_the_budget_says_so_once() -> None:
    said: list[Any] = []
    trade = dialogue()
    trade.on_rate_limit = lambda *word: said.append(word)
    refused = order("RATE_LIMITED", order_id="")
    trade.receive(refused, answered(limit(), OrderRejected(OrderStatus.RATE_LIMITED, refused)))
    assert said == [("general", None)]
    trade.receive(order(), answered(limit(), order()))
    assert len(said) == 1


def following_fills(*baseline: UserTrade) -> TradeDialogue:
    trade = dialogue()
    trade.channels[Channel.FILLS] = None
    trade.fills.set_baseline(baseline)
    return trade


def test_missed_fills_are_read_until_a_known_one() -> None:
    trade = following_fills(trade_row(0))
    talk = Talk(trade.recovery())
    assert talk.asked == [c.GetUserTrades(limit=PAGE, offset=0)]
    newest = [trade_row(number) for number in range(PAGE + 1, 1, -1)]
    assert talk.answer(newest) == [c.GetUserTrades(limit=PAGE, offset=PAGE)]
    assert talk.answer([trade_row(1), trade_row(0)]) == [c.GetUserOrders(limit=PAGE, offset=0)]
    talk.answer(OpenOrders())
    assert talk.over
    fills = [event.value.trade_id for event in trade.released()]
    assert fills == [f"t{number}" for number in range(1, PAGE + 2)]


def test_without_a_subscription_no_fills_are_read() -> None:
    talk = Talk(dialogue().recovery())
    assert talk.asked == [c.GetUserOrders(limit=PAGE, offset=0)]
    talk.answer(OpenOrders())
    assert talk.over


TIMEOUT = RequestTimeout("no answer", sent=True)


def test_what_the_exchange_failed_to_tell_is_asked_for_again() -> None:
    trade = following_fills()
    talk = Talk(trade.recovery())
    question = [c.GetUserTrades(limit=PAGE, offset=0)]
    assert talk.answer(ServerError(ErrorCode.SERVER_ERROR)) == question
    assert talk.answer(ServerError(ErrorCode.SERVER_ERROR)) == question
    assert talk.answer([]) == [c.GetUserOrders(limit=PAGE, offset=0)]
    assert list(trade.released()) == []


def test_fills_that_cannot_be_read_are_asked_for_on_other_lines_before_they_are_done_without() -> None:
    """Fills that came meanwhile are held back all the time: told before the missed ones, they would be out of order."""
    trade = following_fills()
    trade.receive(order(), [])
    for _ in range(2):
        talk = Talk(trade.recovery())
        assert talk.answer(TIMEOUT) == [c.GetUserOrders(limit=PAGE, offset=0)]
        with pytest.raises(NotConnected, match="could not be read"):
            talk.answer(OpenOrders([order()]))
    talk = Talk(trade.recovery())
    talk.answer(TIMEOUT)
    talk.answer(OpenOrders())
    talk.answer(trade.orders.apply(order("CANCELLED")))
    *problems, end = trade.released()
    assert [problem.value.kind for problem in problems] == ["recovery"] * 3
    assert all(problem.value.error is TIMEOUT and "fills" in problem.value.message for problem in problems)
    assert end.value.status is OrderStatus.CANCELLED


def test_a_line_that_is_given_up_takes_no_orders_with_it() -> None:
    trade = following_fills()
    trade.cancel_on_disconnect = True
    talk = Talk(trade.recovery())
    talk.answer(TIMEOUT)
    disarm, proof = talk.answer(OpenOrders())
    assert disarm == c.SetCancelOnDisconnect(False) and isinstance(proof, c.Subscribe)
    with pytest.raises(NotConnected):
        talk.answer(None, None)


def live_fill(number: int) -> Fill:
    return Fill(f"t{number}", "o1", AAPL, Side.BUY, D(180), D(1))


def test_fills_that_come_during_a_recovery_follow_what_was_missed() -> None:
    trade = following_fills()
    first = opening(trade)
    first.answer(None)
    first.answer(None)
    opening(trade)  # the second line
    assert list(trade.receive(live_fill(2), [])) == []
    talk = Talk(trade.recovery())
    talk.answer([trade_row(2), trade_row(1)])
    talk.answer(OpenOrders())
    assert [event.value.trade_id for event in trade.released()] == ["t1", "t2"]
    assert told(trade.receive(live_fill(3), [])) == [(Channel.FILLS, live_fill(3))]


# --- messages ----------------------------------------------------------------------------------------------------


def test_events_and_state() -> None:
    trade = dialogue()
    position, balance = Position(AAPL, D(3)), Balance(deposit=D(7))
    stop, twap = StopOrder("s1", AAPL), Twap("w1", "t1", AAPL)
    for message, event in (
        (order(), Event(Channel.ORDERS, None, order())),
        (live_fill(1), Event(Channel.FILLS, None, live_fill(1))),
        (position, Event(Channel.POSITIONS, AAPL, position)),
        (balance, Event(Channel.BALANCES, None, balance)),
        (stop, Event(Channel.STOP_ORDERS, None, stop)),
        (twap, Event(Channel.TWAPS, None, twap)),
    ):
        assert list(trade.receive(message, [])) == [event]  # type: ignore[arg-type]
    assert (trade.positions, trade.balance, trade.orders.live) == ({AAPL: position}, balance, {"o1": order()})


def test_a_list_of_orders_changes_the_state_and_tells_nobody() -> None:
    trade = dialogue()
    assert list(trade.receive(OpenOrders([order()]), [])) == []
    assert list(trade.orders.live) == ["o1"]


def test_acknowledgements_tell_nobody() -> None:
    assert list(dialogue().receive(Ack(None), [])) == []


def test_a_modify_is_followed_to_the_new_id() -> None:
    trade = with_orders(order())
    new = order("MODIFIED", order_id="o2", client_order_id="")
    trade.receive(new, answered(modify(), new))
    assert list(trade.orders.live) == ["o2"] and trade.orders.current_id("o1") == "o2"


def test_the_state_has_what_a_reply_leaves_out() -> None:
    trade, complete = dialogue(), order(reduce_only=True)
    assert told(trade.receive(order(), answered(limit(reduce_only=True), complete))) == [
        (Channel.ORDERS, complete)
    ]
    trade.receive(order("FILLED", quantity_remaining=D("0.5")), [])
    assert trade.orders.live["o1"].reduce_only


def test_a_refused_order_is_done_and_a_refused_cancel_changes_nothing() -> None:
    trade = with_orders(order())
    refused = order("NO_SUCH_ORDER")
    trade.receive(refused, answered(c.CancelOrder(AAPL, "o1"), OrderRejected(refused.status, refused)))
    assert list(trade.orders.live) == ["o1"]
    refused = order("REJECTED", order_id="o9", client_order_id="c9")
    trade.receive(refused, answered(limit("c9"), OrderRejected(refused.status, refused)))
    assert trade.orders.get("o9") == refused and list(trade.orders.live) == ["o1"]


def test_a_stop_that_only_the_stop_channel_tells_of_is_known() -> None:
    trade = dialogue()
    stop = StopOrder("s1", AAPL, D(170), D(1), Side.SELL)
    trade.receive(stop, [])
    assert trade.orders.live == {}
    trade.receive(stop, answered(limit(), stop.as_order()))
    assert trade.orders.live == {"s1": stop.as_order()}


def test_an_acknowledgement_moves_and_ends_a_stop() -> None:
    trade = with_orders(stop_order())
    moved = stop_order("MODIFIED", price=D(171), quantity=D(2), quantity_remaining=D(2))
    move, cancel = c.ModifyStopOrder("s1", AAPL, D(171), D(2)), c.CancelStopOrder("s1")
    assert told(trade.receive(Ack(None), answered(move))) == [(Channel.ORDERS, moved)]
    assert trade.orders.live == {"s1": moved}
    gone = stop_order("CANCELLED", price=D(171), quantity=D(2), quantity_remaining=D(2))
    assert told(trade.receive(Ack(None), answered(cancel))) == [(Channel.ORDERS, gone)]
    assert trade.orders.live == {}
    assert told(trade.receive(Ack(None), answered(cancel))) == []  # it is gone already
    assert told(trade.receive(Ack(None), answered(c.CancelStopOrder("never seen")))) == []


def test_errors_reach_the_errors_channel_unless_a_caller_has_them() -> None:
    trade = dialogue()
    failure = Failure(ErrorCode.SERVER_ERROR, "oops", {"type": "x"})
    assert list(trade.receive(failure, answered(limit(), ServerError(ErrorCode.SERVER_ERROR)))) == []
    (orphan,) = trade.receive(failure, [])
    assert orphan.channel is Channel.ERRORS and orphan.value.kind == "exchange"
    assert isinstance(orphan.value.error, ServerError) and "oops" in orphan.value.message
    late = answered(limit(), ServerError(ErrorCode.SERVER_ERROR))
    late[0][0].given_up = True
    assert len(list(trade.receive(failure, late))) == 1


def test_what_nobody_understands_is_reported_with_its_text() -> None:
    (event,) = dialogue().receive(Undecodable("garbage", "ValueError: no"), [])
    assert (event.value.kind, event.value.text, event.value.message) == (
        "undecodable",
        "garbage",
        "ValueError: no",
    )


def test_pulses_may_be_conflated_and_nothing_else() -> None:
    conflated = {channel for channel in Channel if dialogue().policy_of(channel) is Policy.CONFLATE}
    assert conflated == {Channel.POSITIONS, Channel.BALANCES}
    assert all(dialogue().policy_of(channel) is Policy.KEEP for channel in set(Channel) - conflated)


def test_a_book_of_a_new_line_is_empty() -> None:
    trade = dialogue()
    trade.new_book().add(Request(limit()))
    assert len(trade.new_book()) == 0
