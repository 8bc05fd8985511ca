"""The market data client on the simulator's socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from qfex import (
    CandleInterval,
    ConnectionState,
    InvalidParameter,
    MarketChannel,
    MarketDataClient,
    NotConnected,
    RequestTimeout,
    TradeClient,
    ValidationError,
)
from qfex.sim import Simulator
from tests.support.helpers import eventually

from .conftest import PATIENCE, MakeClient, Received

AAPL, GOLD = "AAPL-USD", "GOLD-USD"
LIVE = pytest.mark.parametrize("dialect", ["live"], indirect=True)
DOCUMENTED = pytest.mark.parametrize("dialect", ["documented"], indirect=True)

Connect = Callable[..., TradeClient]


# --- newest values ------------------------------------------------------------------------------------------


READS: list[tuple[str, tuple[Any, ...]]] = [
    ("bbo", (AAPL,)),
    ("order_book", (AAPL,)),
    ("mark_price", (AAPL,)),
    ("candle", (AAPL, "5MINS")),
    ("funding_rate", (AAPL,)),
    ("open_interest", (AAPL,)),
    ("underlier", (AAPL,)),
    ("min_max_price", (AAPL,)),
    ("market_stats", ()),
]


@pytest.mark.parametrize(("method", "arguments"), READS, ids=[name for name, _ in READS])
def test_a_read_subscribes_and_waits(data: MarketDataClient, method: str, arguments: tuple[Any, ...]) -> None:
    value = getattr(data, method)(*arguments)
    sent = data.stats().sent
    assert getattr(value, "symbol", AAPL) == AAPL
    assert getattr(data, method)(*arguments) == value
    assert data.stats().sent == sent == 1


def test_values_are_those_of_the_exchange(market: Simulator, data: MarketDataClient) -> None:
    bids, asks = market.exchange_call(lambda exchange: exchange.book(AAPL, 20))
    book = data.order_book(AAPL)
    assert [(level.price, level.quantity) for level in book.bids] == list(map(tuple, bids))
    assert [(level.price, level.quantity) for level in book.asks] == list(map(tuple, asks))
    assert data.bbo(AAPL).bid == book.bids[0]
    stats = data.market_stats()
    assert {bbo.symbol for bbo in stats.bbos} == {AAPL, GOLD}


def test_reads_follow_the_market(market: Simulator, data: MarketDataClient) -> None:
    assert data.mark_price(AAPL).price != 340
    received = Received()
    data.on(MarketChannel.MARK_PRICE, received)
    market.set_mark_price(AAPL, 340)
    assert received.next(lambda mark: mark.price == 340)
    assert data.mark_price(AAPL).price == 340


def test_rounded_books_are_streams_of_their_own(data: MarketDataClient) -> None:
    exact, rounded = data.order_book(AAPL), data.order_book(AAPL, sig_figs=1)
    assert (exact.sig_figs, rounded.sig_figs) == (0, 1)
    assert data.order_book(AAPL) == exact
    assert exact.bids != rounded.bids


def test_last_trades_wait_for_the_first(market: Simulator, data: MarketDataClient, connect: Connect) -> None:
    data.subscribe(MarketChannel.TRADE, AAPL)
    trader = connect(market)
    for quantity in (1, 2, 3):
        trader.place_market_order(AAPL, "BUY", quantity, wait=True)
    trader.place_market_order(AAPL, "SELL", 4, wait=True)

    def traded(side: str) -> Decimal:
        return sum((trade.size for trade in data.last_trades(AAPL) if trade.side == side), Decimal(0))

    eventually(lambda: traded("SELL") == 4, "the last trade")
    assert traded("BUY") == 6
    trades = data.last_trades(AAPL)
    assert len({trade.trade_id for trade in trades}) == len(trades)


def test_a_symbol_without_trades_is_a_timeout(data: MarketDataClient) -> None:
    with pytest.raises(RequestTimeout) as caught:
        data.last_trades(AAPL, timeout=0.05)
    assert caught.value.sent is True


def test_many_threads_may_read(data: MarketDataClient) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(data.bbo(AAPL))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(found) == 8
    assert {bbo.symbol for bbo in found} == {AAPL}


# --- subscriptions ------------------------------------------------------------------------------------------


def test_a_channel_of_every_symbol(market: Simulator, data: MarketDataClient) -> None:
    data.subscribe("mark_price", "*")
    sent = data.stats().sent
    assert data.mark_price(AAPL).symbol == AAPL
    assert data.mark_price(GOLD).symbol == GOLD
    assert data.stats().sent == sent


def test_subscribing_twice_sends_once(data: MarketDataClient) -> None:
    data.subscribe(MarketChannel.BBO, [AAPL, GOLD, AAPL])
    data.subscribe(MarketChannel.BBO, AAPL)
    assert data.stats().sent == 1


def test_candles_of_several_intervals(data: MarketDataClient) -> None:
    data.subscribe("candle", [AAPL], [CandleInterval.ONE_MINUTE, "1DAY"])
    sent = data.stats().sent
    assert data.candle(AAPL, "1MIN").interval is CandleInterval.ONE_MINUTE
    assert data.candle(AAPL, CandleInterval.ONE_DAY).interval is CandleInterval.ONE_DAY
    assert data.stats().sent == sent


def test_unsubscribing_ends_the_stream(market: Simulator, data: MarketDataClient) -> None:
    data.mark_price(AAPL)
    received = Received()
    data.on(MarketChannel.MARK_PRICE, received)
    data.subscribe(MarketChannel.MARK_PRICE, GOLD)
    received.next(lambda mark: mark.symbol == GOLD)
    data.unsubscribe(MarketChannel.MARK_PRICE, AAPL)
    market.set_mark_price(AAPL, 350)
    market.set_mark_price(GOLD, 4200)
    assert received.next(lambda mark: mark.symbol == AAPL or mark.price == 4200).symbol == GOLD
    assert data.mark_price(AAPL).price == 350  # subscribed again


@LIVE
def test_an_unknown_symbol_is_refused(data: MarketDataClient) -> None:
    with pytest.raises(InvalidParameter, match="FOO-USD"):
        data.bbo("FOO-USD")


@LIVE
def test_of_some_symbols_the_known_ones_are_subscribed(market: Simulator, data: MarketDataClient) -> None:
    with pytest.raises(InvalidParameter, match="FOO-USD"):
        data.subscribe(MarketChannel.BBO, [AAPL, "FOO-USD"])
    sent = data.stats().sent
    assert data.bbo(AAPL).symbol == AAPL
    assert data.stats().sent == sent


@DOCUMENTED
def test_an_exchange_that_is_silent_about_a_symbol(data: MarketDataClient) -> None:
    with pytest.raises(RequestTimeout) as caught:
        data.bbo("FOO-USD", timeout=0.2)
    assert caught.value.sent is True
    assert data.bbo(AAPL).symbol == AAPL


@pytest.mark.parametrize(
    "ask",
    [
        lambda data: data.subscribe("bbo", []),
        lambda data: data.subscribe("bbo", [""]),
        lambda data: data.subscribe("bboo", AAPL),
        lambda data: data.subscribe("errors", AAPL),
        lambda data: data.subscribe("candle", AAPL),
        lambda data: data.subscribe("candle", AAPL, []),
        lambda data: data.subscribe("candle", AAPL, "2MINS"),
        lambda data: data.subscribe("bbo", AAPL, "1MIN"),
        lambda data: data.subscribe("bbo", AAPL, sig_figs=1),
        lambda data: data.subscribe("level2", AAPL, sig_figs=3),
        lambda data: data.order_book(AAPL, sig_figs=7),
        lambda data: data.candle(AAPL, "1MONTH"),
        lambda data: data.bbo(""),
        lambda data: data.bbo("\ud800"),
        lambda data: data.last_trades("\ud800"),
        lambda data: data.subscribe("bbo", [AAPL, "\ud800"]),
        lambda data: data.unsubscribe("bbo", "\ud800"),
        lambda data: data.subscribe("\ud800", AAPL),
        lambda data: data.subscribe("candle", AAPL, "\ud800"),
        lambda data: data.bbo(AAPL, timeout=-1),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    data: MarketDataClient, ask: Callable[[MarketDataClient], object]
) -> None:
    with pytest.raises(ValidationError):
        ask(data)
    assert data.stats().sent == 0


class OwnText(str):
    """Text of a kind of its own, as numpy's is: neither msgspec nor `str` give what it holds."""

    def __str__(self) -> str:
        return "something else"


@pytest.mark.parametrize(
    "ask",
    [
        lambda data: data.bbo(OwnText(AAPL)),
        lambda data: data.last_trades(OwnText(AAPL), timeout=0.1),
        lambda data: data.candle(OwnText(AAPL), OwnText("1MIN")),
        lambda data: data.order_book(OwnText(AAPL), sig_figs=Decimal(1)),
        lambda data: data.subscribe(OwnText("bbo"), OwnText(AAPL)),
        lambda data: data.subscribe(OwnText("candle"), [OwnText(AAPL)], [OwnText("1MIN")]),
        lambda data: data.unsubscribe(OwnText("bbo"), [OwnText(AAPL)]),
    ],
)
def test_arguments_of_a_subclass_are_sent_as_plain_values(
    data: MarketDataClient, ask: Callable[[MarketDataClient], object]
) -> None:
    try:
        ask(data)
    except RequestTimeout as error:  # there need not be a trade; but it was confirmed that one would be sent
        assert "no trade" in str(error)
    assert (data.stats().sent, data.stats().pending) == (1, 0)


# --- life ---------------------------------------------------------------------------------------------------


def test_subscriptions_survive_a_lost_connection(market: Simulator, data: MarketDataClient) -> None:
    data.subscribe("candle", AAPL, "1MIN")
    data.subscribe("mark_price", "*")
    data.bbo(AAPL)
    states = Received()
    data.on(MarketChannel.CONNECTION, states)
    assert market.feed_faults.drop_market_data(reset=True) == 1
    ready = states.next(lambda event: event.state is ConnectionState.READY)
    assert ready.gap_start < ready.gap_end
    sent = data.stats().sent
    for value in (data.bbo(AAPL), data.mark_price(GOLD), data.candle(AAPL, "1MIN")):
        assert value is not None
    stats = data.stats()
    assert (stats.sent, stats.reconnects, stats.sequence_gaps) == (sent, 1, 0)


def test_a_lost_connection_leaves_no_stale_value(market: Simulator, data: MarketDataClient) -> None:
    before = data.mark_price(AAPL)
    states = Received()
    data.on(MarketChannel.CONNECTION, states)
    market.feed_faults.drop_market_data()
    states.next(lambda event: event.state is ConnectionState.RECONNECTING)
    market.set_mark_price(AAPL, before.price + 5)
    assert data.mark_price(AAPL).price == before.price + 5


def test_without_a_policy_a_lost_connection_is_not_restored(
    market: Simulator, make_client: MakeClient
) -> None:
    data = make_client(reconnect=None)
    data.bbo(AAPL)
    market.feed_faults.drop_market_data()
    with pytest.raises(NotConnected):
        data.block_for_close(PATIENCE)
    with pytest.raises(NotConnected):
        data.bbo(AAPL)


def test_closing_ends_reads_that_wait(data: MarketDataClient) -> None:
    outcome: list[BaseException] = []

    def read() -> None:
        try:
            data.last_trades(AAPL, timeout=60)
        except BaseException as error:
            outcome.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    reader.join(0.1)
    assert reader.is_alive()
    data.close()
    reader.join(PATIENCE)
    assert isinstance(outcome[0], NotConnected)
    with pytest.raises(NotConnected):
        data.bbo(AAPL)


def test_nothing_is_read_before_connect(market: Simulator) -> None:
    data = MarketDataClient(market.environment)
    with pytest.raises(NotConnected):
        data.bbo(AAPL)
    data.close()


def test_callbacks_may_read(data: MarketDataClient) -> None:
    received = Received()
    data.on(MarketChannel.BBO, lambda bbo: received(data.order_book(bbo.symbol)))
    data.subscribe(MarketChannel.BBO, AAPL)
    assert received.next().symbol == AAPL


# --- gaps and slow consumers --------------------------------------------------------------------------------


def test_a_gap_is_counted_and_reported(
    market: Simulator, data: MarketDataClient, caplog: pytest.LogCaptureFixture
) -> None:
    errors = Received()
    data.on(MarketChannel.ERRORS, errors)
    data.mark_price(AAPL)
    market.feed_faults.lose_market_data(2)
    for step in range(3):
        market.set_mark_price(AAPL, 330 + step)
    event = errors.next()
    assert (event.kind, event.message.split()[0]) == ("sequence gap", "2")
    assert data.stats().sequence_gaps == 1
    assert "missing" in caplog.text
    market.feed_faults.lose_market_data(1)
    for step in range(2):
        market.set_mark_price(AAPL, 340 + step)
    assert errors.next().message.split()[0] == "1"
    assert data.stats().sequence_gaps == 2


def test_a_slow_consumer_gets_the_newest_snapshot(market: Simulator, data: MarketDataClient) -> None:
    received = Received()
    data.on(MarketChannel.MARK_PRICE, received)
    data.subscribe(MarketChannel.MARK_PRICE, [AAPL, GOLD])
    received.next(lambda mark: mark.symbol == GOLD)
    with data.stream(MarketChannel.MARK_PRICE) as stream:
        for step in range(50):
            market.set_mark_price(AAPL, 300 + step)
        market.set_mark_price(GOLD, 4200)
        received.next(lambda mark: mark.price == 4200)
        assert [(mark.symbol, mark.price) for mark in (stream.get(0), stream.get(0))] == [
            (AAPL, 349),
            (GOLD, 4200),
        ]
        assert (len(stream), stream.conflated) == (0, 49)
    assert data.stats().conflated >= 49


def test_a_slow_consumer_misses_the_oldest_trades(
    market: Simulator, data: MarketDataClient, connect: Connect
) -> None:
    trader, received = connect(market), Received()
    data.on(MarketChannel.TRADE, received)
    data.subscribe(MarketChannel.TRADE, AAPL)
    with data.stream(MarketChannel.TRADE, maxsize=2) as stream:
        for _ in range(3):
            trader.place_market_order(AAPL, "BUY", "0.01", wait=True)
        published = [received.next() for _ in range(3)]
        assert [stream.get(0), stream.get(0)] == published[1:]
        assert stream.dropped == data.stats().dropped == 1


def test_finished_candles_are_not_conflated(market: Simulator, data: MarketDataClient) -> None:
    received = Received()
    data.on(MarketChannel.CANDLE, received)
    with data.stream(MarketChannel.CANDLE) as stream:
        data.subscribe("candle", AAPL, "1MIN")
        first = received.next().start.timestamp()
        for step in range(1, 4):
            market.set_mark_price(AAPL, 330 + step)
            market.advance(60)
            received.next(lambda candle, begun=first + 60 * step: candle.start.timestamp() == begun)
        starts = [stream.get(0).start.timestamp() for _ in range(len(stream))]
    assert starts == [first + 60 * step for step in range(4)]


def test_callbacks_get_their_errors_reported(data: MarketDataClient) -> None:
    errors, received = Received(), Received()

    def fail(event: Any) -> None:
        raise RuntimeError("of the user")

    data.on("errors", errors)
    data.on("bbo", fail)
    data.on("bbo", received)
    data.bbo(AAPL)
    assert received.next().symbol == AAPL
    assert "of the user" in errors.next().message
