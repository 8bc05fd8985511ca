"""Invalid arguments are refused by name before anything is sent, whatever the method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from qfex import (
    Channel,
    Instrument,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    RestClient,
    Side,
    StopOrder,
    TradeClient,
    Twap,
    ValidationError,
)
from qfex.sim import Simulator
from tests.support.exchange import Scripted, answers_everything
from tests.support.helpers import AAPL, Connect, D, outcome, trading_commands


@pytest.fixture
def dialect() -> str:
    """One dialect: invalid arguments are refused before anything is sent."""
    return "live"


Call = Callable[[TradeClient, dict[str, Any]], object]
RESTING = Order("o1", symbol=AAPL, side=Side.BUY, order_type=OrderType.LIMIT, price=D(330), quantity=D(1))
METHODS: dict[str, tuple[Call, dict[str, Any]]] = {
    "place_order": (
        lambda client, given: client.place_order(**given),
        {"symbol": AAPL, "side": "BUY", "quantity": 1, "price": 330},
    ),
    "submit_order": (
        lambda client, given: client.submit_order(**given),
        {"symbol": AAPL, "side": "BUY", "quantity": 1, "price": 330},
    ),
    "place_orders": (
        lambda client, given: raise_first(client.place_orders([OrderRequest(**given)])),
        {"symbol": AAPL, "side": "BUY", "quantity": 1, "price": 330},
    ),
    "place_limit_order": (
        lambda client, given: client.place_limit_order(**given),
        {"symbol": AAPL, "side": "BUY", "quantity": 1, "price": 330},
    ),
    "place_market_order": (
        lambda client, given: client.place_market_order(**given),
        {"symbol": AAPL, "side": "BUY", "quantity": 1},
    ),
    "place_stop_order": (
        lambda client, given: client.place_stop_order(**given),
        {"symbol": AAPL, "side": "SELL", "stop_type": "STOP_LOSS", "quantity": 1, "trigger_price": 300},
    ),
    "modify_order": (lambda client, given: client.modify_order(**given), {"order": RESTING}),
    "modify_stop_order": (
        lambda client, given: client.modify_stop_order(**given),
        {"stop_order": "s1", "symbol": AAPL, "trigger_price": 300, "quantity": 1},
    ),
    "cancel_order": (lambda client, given: client.cancel_order(**given), {"order": "o1", "symbol": AAPL}),
    "cancel_stop_order": (lambda client, given: client.cancel_stop_order(**given), {"stop_order": "s1"}),
    "cancel_all_orders": (lambda client, given: client.cancel_all_orders(**given), {}),
    "close_position": (lambda client, given: client.close_position(**given), {"symbol": AAPL}),
    "add_twap": (
        lambda client, given: client.add_twap(**given),
        {"symbol": AAPL, "side": "BUY", "total_quantity": 10, "num_orders": 5, "order_interval_secs": 30},
    ),
    "cancel_twap": (lambda client, given: client.cancel_twap(**given), {"twap": "t1", "symbol": AAPL}),
    "get_order": (lambda client, given: client.get_order(**given), {"symbol": AAPL, "order_id": "o1"}),
    "get_user_orders": (lambda client, given: client.get_user_orders(**given), {}),
    "iter_user_orders": (lambda client, given: list(client.iter_user_orders(**given)), {}),
    "get_user_trades": (lambda client, given: client.get_user_trades(**given), {}),
    "get_leverage": (lambda client, given: client.get_leverage(**given), {}),
    "get_available_leverage": (lambda client, given: client.get_available_leverage(**given), {}),
    "set_leverage": (lambda client, given: client.set_leverage(**given), {"symbol": AAPL, "leverage": 5}),
    "set_cancel_on_disconnect": (
        lambda client, given: client.set_cancel_on_disconnect(**given),
        {"enabled": True},
    ),
    "subscribe": (
        lambda client, given: client.subscribe(*given.pop("channels"), **given),
        {"channels": ["fills"]},
    ),
    "unsubscribe": (
        lambda client, given: client.unsubscribe(*given.pop("channels"), **given),
        {"channels": ["fills"]},
    ),
    "on": (lambda client, given: client.on(given["channel"], print), {"channel": "fills"}),
    "stream": (lambda client, given: client.stream(*given.pop("channels"), **given), {"channels": ["fills"]}),
    "wait_until_done": (lambda client, given: client.wait_until_done(**given), {"order": Order("o1")}),
    "wait_until_twap_done": (lambda client, given: client.wait_until_twap_done(**given), {"twap": "t1"}),
    "resolve": (lambda client, given: client.resolve(**given), {"client_order_id": "c1", "symbol": AAPL}),
}


def raise_first(results: list[Any]) -> None:
    raise results[0]


NOT_POSITIVE: list[Any] = [
    0,
    -1,
    "0",
    "abc",
    "",
    math.nan,
    math.inf,
    -math.inf,
    D("NaN"),
    "Infinity",
    True,
    [1],
]
UNSENDABLE = "\ud800"  # half a surrogate pair, for which there is no UTF-8
NOT_TEXT: list[Any] = ["", "  ", 5, None, UNSENDABLE]
NOT_WHOLE: list[Any] = [1.5, "5", None, True, math.nan]
UNKNOWN: list[Any] = ["LONG", "", 5, Side("SOMETHING_NEW"), UNSENDABLE]
ORDERS = ["place_order", "submit_order", "place_orders", "place_limit_order", "place_market_order"]
WITHOUT_TIMEOUT = ("on", "stream", "place_orders")
RULES: list[tuple[str, str, list[Any]]] = [
    *((method, "symbol", NOT_TEXT) for method in [*ORDERS, "place_stop_order", "close_position", "add_twap",
      "get_order", "set_leverage", "resolve"]),
    *((method, "side", UNKNOWN) for method in [*ORDERS, "place_stop_order", "add_twap"]),
    *((method, "quantity", NOT_POSITIVE) for method in [*ORDERS, "place_stop_order", "modify_stop_order"]),
    *((method, "price", NOT_POSITIVE) for method in ORDERS[:4]),
    *((method, name, NOT_POSITIVE) for method in ORDERS for name in ("take_profit", "stop_loss")),
    *((method, "reduce_only", [None, "yes", 1, 0]) for method in [*ORDERS, "add_twap"]),
    *((method, "client_order_id", ["", " ", 5, UNSENDABLE]) for method in [*ORDERS, "place_stop_order", "close_position"]),
    *((method, "time_in_force", ["GFD", "", 5, UNSENDABLE]) for method in ORDERS[:4]),
    *((method, "order_type", ["ICEBERG", "", 5, UNSENDABLE]) for method in ORDERS[:3]),
    ("place_stop_order", "stop_type", ["LIMIT", "MARKET", "ALO", "OTHER", "", None, UNSENDABLE]),
    ("place_stop_order", "trigger_price", [*NOT_POSITIVE, None]),
    ("modify_order", "price", NOT_POSITIVE),
    ("modify_order", "quantity", NOT_POSITIVE),
    ("modify_order", "take_profit", NOT_POSITIVE),
    ("modify_order", "stop_loss", NOT_POSITIVE),
    ("modify_order", "reduce_only", ["yes", 1, 0]),
    ("modify_order", "order", ["", "never-seen", 5, None, UNSENDABLE]),
    ("modify_stop_order", "trigger_price", [*NOT_POSITIVE, None]),
    ("modify_stop_order", "stop_order", NOT_TEXT),
    ("modify_stop_order", "symbol", ["", 5, UNSENDABLE]),
    ("cancel_order", "order", NOT_TEXT),
    ("cancel_order", "symbol", ["", 5, UNSENDABLE]),
    ("cancel_order", "id_type", ["colour", "", 5, None, UNSENDABLE]),
    ("cancel_stop_order", "stop_order", NOT_TEXT),
    ("add_twap", "total_quantity", [*NOT_POSITIVE, None]),
    ("add_twap", "num_orders", [*NOT_WHOLE, 1, 0, -5]),
    ("add_twap", "order_interval_secs", [*NOT_WHOLE, 29, 0, -30]),
    ("add_twap", "client_twap_id", ["", " ", 5, UNSENDABLE]),
    ("cancel_twap", "twap", NOT_TEXT),
    ("cancel_twap", "symbol", NOT_TEXT),
    ("get_order", "order_id", NOT_TEXT),
    ("get_user_orders", "symbol", ["", 5, UNSENDABLE]),
    ("get_user_orders", "limit", [0, -1, 1.5, "5"]),
    ("get_user_orders", "offset", [-1, 1.5, "5"]),
    ("iter_user_orders", "symbol", ["", 5, UNSENDABLE]),
    ("iter_user_orders", "page_size", [0, -1, 1.5, None]),
    ("get_user_trades", "order_id", ["", 5, UNSENDABLE]),
    ("get_user_trades", "limit", [0, -1]),
    ("get_user_trades", "offset", [-1]),
    ("get_user_trades", "start", [datetime(2026, 1, 1), "2026-01-01", 1]),
    ("get_user_trades", "end", [datetime(2026, 1, 1), "2026-01-01", 1]),
    ("set_cancel_on_disconnect", "enabled", [None, "yes", 1, 0]),
    ("get_leverage", "limit", [0]),
    ("get_available_leverage", "offset", [-1]),
    ("set_leverage", "leverage", [*NOT_POSITIVE, None]),
    ("subscribe", "channels", [["nonsense"], [], ["fills", ""], [Channel.ERRORS], ["twaps"], [5], [UNSENDABLE]]),
    ("unsubscribe", "channels", [["nonsense"], [], [Channel.ERRORS], [Channel.ORDERS], ["fills", "order_responses"]]),
    ("on", "channel", ["nonsense", "", 5, None, UNSENDABLE]),
    ("stream", "channels", [["nonsense"], [], [5], [UNSENDABLE]]),
    ("stream", "maxsize", [0, -1]),
    ("wait_until_done", "order", ["", "never-seen", 5, UNSENDABLE]),
    ("wait_until_twap_done", "twap", NOT_TEXT),
    ("resolve", "client_order_id", NOT_TEXT),
    *((method, "timeout", [-1, -0.5, math.nan]) for method in METHODS if method not in WITHOUT_TIMEOUT),
]  # fmt: skip


@pytest.fixture
def watched(sim: Simulator, connect: Connect) -> Iterator[TradeClient]:
    """A client that sends nothing during the test."""
    client = connect(sim)
    yield client
    client.get_leverage()  # its reply shows that everything before it has arrived
    assert trading_commands(sim) == 1


@pytest.mark.parametrize(
    "method, argument, values", RULES, ids=[f"{method}-{name}" for method, name, _ in RULES]
)
def test_a_bad_argument_is_named_and_nothing_is_sent(
    watched: TradeClient, method: str, argument: str, values: list[Any]
) -> None:
    call, good = METHODS[method]
    for value in values:
        with pytest.raises(ValidationError) as refused:
            call(watched, {**good, argument: value})
        assert refused.value.argument == argument, value
        assert refused.value.rule
        assert isinstance(refused.value, ValueError)


def test_every_method_is_tested_for_invalid_arguments() -> None:
    others = {"connect", "close", "from_env", "stats", "wait_until_ready", "block_for_close"}
    methods = {name for name in dir(TradeClient) if name[0] != "_" and callable(getattr(TradeClient, name))}
    assert methods - others == set(METHODS)


BLANK: list[Any] = [
    Order("o1", side=Side.BUY, order_type=OrderType.LIMIT, price=D(1), quantity=D(1)),
    Order("o1", symbol=AAPL, order_type=OrderType.LIMIT, price=D(1), quantity=D(1)),
    Order("o1", symbol=AAPL, side=Side.BUY, price=D(1), quantity=D(1)),
    Order("o1", symbol=AAPL, side=Side.BUY, order_type=OrderType.LIMIT, quantity=D(1)),
    Order("o1", symbol=AAPL, side=Side.BUY, order_type=OrderType.LIMIT, price=D(1)),
    Order("", symbol=AAPL, side=Side.BUY, order_type=OrderType.LIMIT, price=D(1), quantity=D(1)),
]


@pytest.mark.parametrize("order", BLANK, ids=["symbol", "side", "type", "price", "quantity", "id"])
def test_an_order_with_something_missing_cannot_be_modified(watched: TradeClient, order: Order) -> None:
    with pytest.raises(ValidationError, match=r"order\."):
        watched.modify_order(order, take_profit=2)


def test_an_order_cannot_be_cancelled_by_a_twap_id(watched: TradeClient) -> None:
    for kind in ("twap_id", "client_twap_id"):
        with pytest.raises(ValidationError, match="id_type"):
            watched.cancel_order(Order("o1", symbol=AAPL), id_type=kind)


def test_values_without_a_symbol_or_id_are_not_sent(watched: TradeClient) -> None:
    for call in (
        lambda: watched.cancel_order(Order("o1")),
        lambda: watched.cancel_order(Order("", symbol=AAPL)),
        lambda: watched.cancel_order(Order("o1", symbol=AAPL), symbol=""),
        lambda: watched.cancel_twap(Twap("t1")),
        lambda: watched.cancel_twap(Twap("", symbol=AAPL)),
        lambda: watched.modify_stop_order(Order("s1"), trigger_price=1, quantity=1),
        lambda: watched.modify_stop_order(StopOrder("s1"), trigger_price=1, quantity=1),
        lambda: watched.modify_stop_order(StopOrder("", AAPL), trigger_price=1, quantity=1),
        lambda: watched.cancel_stop_order(StopOrder("")),
        lambda: watched.cancel_stop_order(Order("")),
    ):
        with pytest.raises(ValidationError):
            call()


def test_an_invalid_request_in_a_batch_becomes_an_error_in_its_place(watched: TradeClient) -> None:
    results = watched.place_orders([{"symbol": AAPL}, None])  # type: ignore[list-item]
    assert [type(result) for result in results] == [ValidationError, ValidationError]


def test_a_batch_whose_iterable_fails_is_not_sent_at_all(watched: TradeClient) -> None:
    def failing() -> Iterator[OrderRequest]:
        yield OrderRequest(AAPL, "BUY", 1, 330)
        raise KeyError

    with pytest.raises(KeyError):
        watched.place_orders(failing())


def test_a_callback_must_be_callable(watched: TradeClient) -> None:
    with pytest.raises(ValidationError, match="callback"):
        watched.on(Channel.ORDERS, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind, tif", [("MARKET", "GTC"), ("MARKET", "FOK"), ("ALO", "IOC"), ("ALO", "FOK")])
def test_each_order_type_allows_only_its_times_in_force(watched: TradeClient, kind: str, tif: str) -> None:
    price = None if kind == "MARKET" else 330
    with pytest.raises(ValidationError, match=f"{kind} allows") as refused:
        watched.place_order(AAPL, "BUY", 1, price, order_type=kind, time_in_force=tif)
    assert (refused.value.argument, refused.value.value) == ("time_in_force", tif)


def test_every_order_needs_a_price_except_a_market_order(watched: TradeClient) -> None:
    with pytest.raises(ValidationError, match="a MARKET order has no price"):
        watched.place_order(AAPL, "BUY", 1, 330, order_type="MARKET")
    for kind in ("LIMIT", "ALO", "STOP_LOSS", "TAKE_PROFIT"):
        with pytest.raises(ValidationError, match=f"price=None: {kind} needs one"):
            watched.place_order(AAPL, "BUY", 1, order_type=kind)


def test_a_cancel_by_an_unknown_id_needs_the_symbol(watched: TradeClient) -> None:
    for kind in ("order_id", "client_order_id", "twap_id", "client_twap_id"):
        with pytest.raises(ValidationError):
            watched.cancel_order("x", id_type=kind)
    with pytest.raises(ValidationError, match="symbol"):
        watched.cancel_twap("x")


def test_an_order_without_a_client_order_id_cannot_be_cancelled_by_it(watched: TradeClient) -> None:
    with pytest.raises(ValidationError, match="order"):
        watched.cancel_order(Order("o1", symbol=AAPL), id_type="client_order_id")


def test_an_unknown_stop_needs_the_symbol(watched: TradeClient) -> None:
    with pytest.raises(ValidationError, match="stop_order"):
        watched.modify_stop_order("x", trigger_price=1, quantity=1)
    assert StopOrder("s1", AAPL).as_order().status is OrderStatus.ACK


# --- with the instruments' rules ----------------------------------------------------------------------------


@pytest.fixture
def instruments(sim: Simulator) -> dict[str, Instrument]:
    with RestClient(sim.environment) as rest:
        return rest.instruments()


@pytest.mark.parametrize(
    "changed, named",
    [
        ({"price": "330.001"}, "price"),
        ({"quantity": "1.0001"}, "quantity"),
        ({"quantity": "0.001"}, "quantity"),
        ({"quantity": "10000001"}, "quantity"),
        ({"symbol": "NO-SUCH"}, "symbol"),
    ],
)
def test_orders_are_checked_against_given_instruments(
    sim: Simulator, connect: Connect, instruments: dict[str, Instrument], changed: dict[str, Any], named: str
) -> None:
    client = connect(sim, instruments=instruments)
    with pytest.raises(ValidationError) as refused:
        client.place_order(**{"symbol": AAPL, "side": "BUY", "quantity": 1, "price": 330, **changed})
    assert named in f"{refused.value.argument} {refused.value.rule}"
    assert trading_commands(sim) == 0


def test_every_broken_rule_of_an_instrument_is_named(
    sim: Simulator, connect: Connect, instruments: dict[str, Instrument]
) -> None:
    with pytest.raises(ValidationError) as refused:
        connect(sim, instruments=instruments).place_order(AAPL, "BUY", "1.00001", "330.001")
    assert "price" in str(refused.value) and "quantity" in str(refused.value) and ";" in refused.value.rule


def test_the_moving_price_band_is_left_to_the_exchange(
    sim: Simulator, connect: Connect, instruments: dict[str, Instrument]
) -> None:
    sim.set_mark_price(AAPL, 400)
    assert connect(sim, instruments=instruments).place_order(AAPL, "BUY", 1, 395).is_live


def test_the_child_orders_of_a_twap_must_not_be_too_small(
    sim: Simulator, connect: Connect, instruments: dict[str, Instrument]
) -> None:
    client = connect(sim, instruments=instruments)
    with pytest.raises(ValidationError, match="total_quantity.*child orders"):
        client.add_twap(AAPL, "BUY", "0.019", 2, 30)
    assert client.add_twap(AAPL, "BUY", "0.02", 2, 30).total_quantity == D("0.02")


# --- numbers and lengths of time ----------------------------------------------------------------------------


REFUSED: list[Call] = [
    lambda client: client.get_leverage(timeout="1"),  # type: ignore[arg-type]
    lambda client: client.get_leverage(timeout=[]),  # type: ignore[arg-type]
    lambda client: client.get_leverage(timeout=float("nan")),
    lambda client: client.place_order(AAPL, "BUY", 1, 200, timeout=True),
    lambda client: client.place_order(AAPL, "BUY", (0, (1, 2), -1), 200),  # type: ignore[arg-type]
    lambda client: client.stream(Channel.ORDERS, maxsize="9"),  # type: ignore[call-overload]
    lambda client: client.stream(Channel.ERRORS).get(-1),
    lambda client: client.block_for_close("1"),  # type: ignore[arg-type]
    lambda client: client.submit_order(AAPL, "BUY", 1, 200).result("1"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_an_invalid_timeout_or_number_is_refused(scripted: Scripted, number: int) -> None:
    _, client = scripted(answers_everything)
    assert isinstance(outcome(lambda: REFUSED[number](client)), ValidationError)


@pytest.mark.parametrize("timeout", [1e9, float("inf")])
def test_a_timeout_may_be_arbitrarily_long(scripted: Scripted, timeout: float) -> None:
    _, client = scripted(answers_everything)
    with client.stream(Channel.ORDERS) as stream:
        placed = client.submit_order(AAPL, "BUY", 1, 200, timeout=timeout).result(timeout)
        assert stream.get(timeout) == placed
    assert client.get_leverage(timeout=timeout) == []
