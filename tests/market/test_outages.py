"""Market data across outages, on the socket of an exchange that follows a script."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from qfex import InvalidParameter, MarketChannel, MarketDataClient, RequestTimeout
from qfex.sim import Simulator
from tests.support.exchange import Message, Peer, ScriptedExchange
from tests.support.helpers import background, eventually

from .conftest import FAST, PATIENCE, MakeClient, Received

AAPL, GOLD, GONE = "AAPL-USD", "GOLD-USD", "GONE-USD"

#: What a script does with one command, instead of obliging; True if it did something.
Answer = Callable[[Peer, Message], bool]


def quote(symbol: str, price: int, **members: Any) -> Message:
    return {"type": "bbo", "symbol": symbol, "bid": [[str(price), "1"]], "ask": [], **members}


def confirm(peer: Peer, command: Message, price: int) -> None:
    """Confirm a command, and send the newest quotes after a subscription."""
    kind = command["type"]
    quotes = [quote(symbol, price) for symbol in command["symbols"] if kind == "subscribe"]
    peer.send({**command, "type": f"{kind}d"}, *quotes)


def obliging(price: int, answer: Answer = lambda peer, command: False) -> Callable[[Peer], None]:
    """A script that quotes one price for everything, and answers each command itself, or lets `answer` do it."""

    def script(peer: Peer) -> None:
        peer.upgrade()
        while True:
            command = peer.receive()
            if not answer(peer, command):
                confirm(peer, command, price)

    return script


def client_of(exchange: ScriptedExchange) -> MarketDataClient:
    return MarketDataClient(exchange.environment, reconnect=FAST, request_timeout=PATIENCE)


def lose_connection(exchange: ScriptedExchange, client: MarketDataClient) -> float:
    """Cut the connection and wait for the next one; the seconds that it took."""
    start, reconnects = monotonic(), client.stats().reconnects
    exchange.peers[-1].drop()
    eventually(lambda: client.stats().reconnects > reconnects, "a new connection")
    return monotonic() - start


def refuse(code: str, text: str = "") -> Answer:
    """Refuse the first command, and oblige afterwards."""
    refused = []

    def answer(peer: Peer, command: Message) -> bool:
        if not refused:
            refused.append(command)
            peer.send({"err": {"error_code": code, "message": text, "incoming_message": command}})
            return True
        return False

    return answer


@pytest.mark.parametrize(
    "answer", [refuse("RateLimited", "slow down, retry after 50 ms"), refuse("ServerError")]
)
def test_an_error_on_restoring_passes_and_is_reported(answer: Answer) -> None:
    with ScriptedExchange(obliging(100), obliging(200, answer)) as exchange, client_of(exchange) as client:
        errors = Received()
        client.on(MarketChannel.ERRORS, errors)
        client.bbo(AAPL)
        lose_connection(exchange, client)
        assert errors.next().kind == "subscription"
        eventually(lambda: len(exchange.peers[-1].commands) == 2, "another attempt")
        assert client.bbo(AAPL).bid.price == 200
        assert errors.is_empty and len(exchange.peers[-1].commands) == 2


def test_subscribing_what_could_not_be_restored_sends_it_again() -> None:
    answer = refuse("InvalidParameter")
    with ScriptedExchange(obliging(100), obliging(200, answer)) as exchange, client_of(exchange) as client:
        errors = Received()
        client.on(MarketChannel.ERRORS, errors)
        client.subscribe("bbo", AAPL)
        lose_connection(exchange, client)
        assert isinstance(errors.next().error, InvalidParameter)
        client.subscribe("bbo", AAPL)
        assert len(exchange.peers[-1].commands) == 2
        assert client.bbo(AAPL).bid.price == 200


def test_silence_about_one_symbol_delays_neither_the_connection_nor_the_others() -> None:
    def silent_about_one(peer: Peer, command: Message) -> bool:
        return GONE in command["symbols"]

    with (
        ScriptedExchange(obliging(100), obliging(200, silent_about_one)) as exchange,
        client_of(exchange) as client,
    ):
        for symbol in (AAPL, GONE, GOLD):
            client.subscribe("bbo", symbol)
        assert lose_connection(exchange, client) < 1
        assert client.bbo(AAPL).bid.price == client.bbo(GOLD).bid.price == 200
        with pytest.raises(RequestTimeout):
            client.bbo(GONE, timeout=0.1)


def test_a_read_waits_while_its_stream_is_restored() -> None:
    def late(peer: Peer, command: Message) -> bool:
        peer.released.wait(0.3)
        return False

    with ScriptedExchange(obliging(100), obliging(200, late)) as exchange, client_of(exchange) as client:
        client.bbo(AAPL)
        lose_connection(exchange, client)
        assert client.bbo(AAPL).bid.price == 200
        assert len(exchange.peers[-1].commands) == 1


def test_a_read_asks_by_itself_when_restoring_takes_long() -> None:
    def silent_at_first(peer: Peer, command: Message) -> bool:
        return len(peer.commands) < 3

    with (
        ScriptedExchange(obliging(100), obliging(200, silent_at_first)) as exchange,
        client_of(exchange) as client,
    ):
        client.subscribe("bbo", AAPL)
        lose_connection(exchange, client)
        assert client.bbo(AAPL).bid.price == 200


def test_subscriptions_are_sent_again_before_the_connection_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedExchange(obliging(100), obliging(200)) as exchange, client_of(exchange) as client:
        client.subscribe("bbo", AAPL)
        session, sent = client._session, []
        put_in_use = session.put_in_use
        monkeypatch.setattr(
            session,
            "put_in_use",
            lambda connection: (sent.append(client.stats().sent), put_in_use(connection)),
        )
        lose_connection(exchange, client)
        assert sent == [1, 2]  # as the connection is lost, and as the next one comes into use


def test_a_call_during_the_outage_waits_for_the_next_connection() -> None:
    def slow_upgrade(peer: Peer) -> None:
        peer.released.wait(0.3)
        obliging(200)(peer)

    with ScriptedExchange(obliging(100), slow_upgrade) as exchange, client_of(exchange) as client:
        client.bbo(AAPL)
        states = Received()
        client.on(MarketChannel.CONNECTION, states)
        exchange.peers[-1].drop()
        states.next(lambda event: event.state == "RECONNECTING")
        client.subscribe("bbo", AAPL)
        assert client.state == "READY"
        assert client.bbo(AAPL).bid.price == 200
        client.unsubscribe("bbo", AAPL)
        assert [command["type"] for command in exchange.peers[-1].commands][-1] == "unsubscribe"


def test_an_end_that_was_never_sent_leaves_the_subscription() -> None:
    def never(peer: Peer) -> None:
        peer.stop_reading()

    with ScriptedExchange(obliging(100), never, obliging(200)) as exchange, client_of(exchange) as client:
        client.bbo(AAPL)
        exchange.peers[-1].drop()
        eventually(lambda: len(exchange.peers) == 2, "another connection")
        with pytest.raises(RequestTimeout) as caught:
            client.unsubscribe("bbo", AAPL, timeout=0.1)
        assert caught.value.sent is False
        exchange.peers[-1].drop()
        eventually(lambda: len(exchange.peers) > 2 and exchange.peers[-1].commands, "the subscription")
        assert exchange.peers[-1].commands[0]["symbols"] == [AAPL]
        assert client.bbo(AAPL).bid.price == 200


@pytest.mark.parametrize("before", [True, False])
def test_a_quote_under_way_when_its_stream_ends_is_not_given_out_later(before: bool) -> None:
    def under_way(peer: Peer, command: Message) -> bool:
        if command["type"] != "unsubscribe":
            # The quote of the new subscription comes late, so that a read could find the old one.
            peer.send({**command, "type": "subscribed"})
            peer.released.wait(0.2)
            peer.send(quote(AAPL, 100 * len(peer.commands)))
            return True
        messages = [quote(AAPL, 1), {**command, "type": "unsubscribed"}]
        peer.send(*(messages if before else reversed(messages)), quote(GOLD, 1))
        return True

    with ScriptedExchange(obliging(100, under_way)) as exchange, client_of(exchange) as client:
        assert client.bbo(AAPL).bid.price == 100
        received = client.stats().received
        client.unsubscribe("bbo", AAPL)
        eventually(lambda: client.stats().received == received + 3, "the messages under way")
        assert client.bbo(AAPL).bid.price == 300


def test_last_trades_have_no_hole(market: Simulator, make_client: MakeClient) -> None:
    trade = {"type": "trade", "symbol": AAPL, "size": "1", "price": "1", "side": "BUY"}

    def under_way(peer: Peer, command: Message) -> bool:
        number = len(peer.commands)
        confirmation = {**command, "type": command["type"] + "d"}
        if command["type"] == "subscribe":
            peer.send(confirmation, {**trade, "trade_id": f"after {number}"})
        else:
            peer.send({**trade, "trade_id": "under way"}, confirmation, {**trade, "trade_id": "too late"})
        return True

    with ScriptedExchange(obliging(1, under_way)) as exchange, client_of(exchange) as client:
        assert [trade.trade_id for trade in client.last_trades(AAPL)] == ["after 1"]
        client.unsubscribe("trade", AAPL)
        assert [trade.trade_id for trade in client.last_trades(AAPL)] == ["after 3"]


def test_a_read_gives_no_value_of_the_lost_connection() -> None:
    with ScriptedExchange(obliging(100), obliging(200)) as exchange, client_of(exchange) as client:
        client.subscribe("bbo", "*")
        exchange.peers[-1].send(quote(AAPL, 100))
        assert client.bbo(AAPL).bid.price == 100
        lose_connection(exchange, client)
        with background(lambda: client.bbo(AAPL)) as value:
            eventually(lambda: exchange.peers[-1].commands, "the subscription of every symbol")
            exchange.peers[-1].send(quote(AAPL, 300))
            assert value().bid.price == 300


# --- the simulator, which ends single symbols with every symbol ---------------------------------------------------


def test_single_symbols_follow_the_market_after_the_end_of_every_symbol(
    market: Simulator, data: MarketDataClient
) -> None:
    data.subscribe("mark_price", AAPL)
    data.subscribe("mark_price", "*")
    data.unsubscribe("mark_price", "*")
    data.mark_price(AAPL)
    marks = Received()
    data.on(MarketChannel.MARK_PRICE, marks)
    market.set_mark_price(GOLD, 4200)
    market.set_mark_price(AAPL, 340)
    assert marks.next(lambda mark: mark.price in (340, 4200)).symbol == AAPL
    assert data.mark_price(AAPL).price == 340


def test_every_symbol_follows_the_market_after_the_end_of_one(
    market: Simulator, data: MarketDataClient
) -> None:
    data.subscribe("mark_price", AAPL)
    data.subscribe("mark_price", "*")
    data.unsubscribe("mark_price", AAPL)
    marks = Received()
    data.on(MarketChannel.MARK_PRICE, marks)
    market.set_mark_price(AAPL, 340)
    marks.next(lambda mark: mark.price == 340)
    assert data.mark_price(AAPL).price == 340
