"""Trading over real sockets, as with any WebSocket client."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal as D
from typing import Any

import pytest
import websocket
import websockets

from qfex.sim import Simulator
from tests.sim.clients import AAPL, Message, RawClient, auth_message, connect, open_orders, order_message


def test_an_order_rests_is_modified_and_cancelled(sim: Simulator) -> None:
    client = connect(sim)
    ack = client.ask(order_message("BUY", 1, 330, client_order_id="mine"))["order_response"]
    assert (ack["status"], ack["client_order_id"]) == ("ACK", "mine")
    change = {
        "symbol": AAPL,
        "order_id": ack["order_id"],
        "side": "BUY",
        "order_type": "LIMIT",
        "price": 331,
        "quantity": 2,
        "take_profit": 0,
        "stop_loss": 0,
        "reduce_only": False,
    }
    changed = client.ask({"type": "modify_order", "params": change})["order_response"]
    assert (changed["status"], changed["price"]) == ("MODIFIED", 331.0)
    gone = {"symbol": AAPL, "order_id": changed["order_id"], "cancel_order_id_type": "order_id"}
    assert client.ask({"type": "cancel_order", "params": gone})["order_response"]["status"] == "CANCELLED"


def test_a_market_order_fills_at_once_with_default_arguments(default_sim: Simulator) -> None:
    client = connect(default_sim)
    client.send(order_message("BUY", 1))
    fill = client.until("fill_response")
    assert fill["quantity"] == 1.0
    assert client.until("order_response", status="FILLED")["quantity_remaining"] == 0.0


def balance_of(sim: Simulator, credentials: Any) -> Any:
    """Return an account's balance from the engine."""
    account_id = sim.account_id(credentials)
    return sim.exchange_call(lambda exchange: exchange.balance(account_id))


def test_two_accounts_trade_with_each_other_to_the_cent(sim: Simulator) -> None:
    keys = {"maker": sim.create_account(balance=50_000), "taker": sim.create_account(balance=50_000)}
    maker, taker = (connect(sim, key) for key in keys.values())
    for quantity, price in ((1.5, 336.2), (2.5, 336.25)):
        assert maker.ask(order_message("SELL", quantity, price))["order_response"]["status"] == "ACK"
    taker.send(order_message("BUY", 3, 337))
    bought = [taker.until("fill_response") for _ in range(2)]
    sold = [maker.until("fill_response") for _ in range(2)]
    assert [(fill["price"], fill["quantity"]) for fill in bought] == [(336.2, 1.5), (336.25, 1.5)]
    assert [fill["trade_id"] for fill in bought] == [fill["trade_id"] for fill in sold]
    assert {fill["side"] for fill in bought} == {"BUY"} and {fill["side"] for fill in sold} == {"SELL"}
    sim.set_mark_price(AAPL, D("340.00"))
    notional = D("336.20") * D("1.5") + D("336.25") * D("1.5")
    profit = D("340.00") * 3 - notional
    for name, sign, rate in (("taker", 1, D("0.001")), ("maker", -1, D("0.0005"))):
        row = balance_of(sim, keys[name])
        assert row.unrealised_pnl == sign * profit
        assert row.fees == notional * rate
        equity = row.available_balance + row.order_margin + row.position_margin
        assert equity == 50_000 + sign * profit - notional * rate


def test_positions_are_published_as_in_the_engine(sim: Simulator) -> None:
    other = connect(sim, sim.create_account())
    other.ask(order_message("SELL", 2, 336))
    client = connect(sim)
    client.send(order_message("BUY", 2, 336))
    client.until("fill_response")
    client.send({"type": "subscribe", "params": {"channels": ["positions"]}})
    client.until("position_response", symbol="GOLD-USD")
    sim.set_mark_price(AAPL, 337)
    sim.advance(1)
    held = client.until("position_response", symbol=AAPL)
    assert (held["position"], held["average_price"], held["unrealised_pnl"]) == (2.0, 336.0, 2.0)


def test_a_twap_runs_to_its_end_on_the_manual_clock(sim: Simulator) -> None:
    other = connect(sim, sim.create_account())
    other.ask(order_message("SELL", 10, 336))
    client = connect(sim)
    twap = {
        "symbol": AAPL,
        "side": "BUY",
        "total_quantity": 4,
        "num_orders": 4,
        "order_interval_secs": 3600,
        "reduce_only": False,
    }
    started = client.ask({"type": "add_twap", "params": twap})["twap_response"]
    assert started["filled_quantity"] == 0.0
    sim.advance(3 * 3600)
    assert sum(client.until("fill_response")["quantity"] for _ in range(4)) == 4.0
    ended = sim.exchange_call(lambda exchange: exchange.twaps(started["user_id"], active=False))
    assert [(row.status, row.filled_quantity) for row in ended] == [("COMPLETED", D(4))]


def test_a_stop_fires_when_the_mark_price_is_set(default_sim: Simulator) -> None:
    client = connect(default_sim)
    client.send(order_message("BUY", 1))
    client.until("order_response", status="FILLED")
    client.send(order_message("SELL", 1, 300, order_type="STOP_LOSS"))
    stop = client.until("order_response", status="ACK", type="STOP_LOSS")
    default_sim.set_mark_price(AAPL, 299)
    assert client.until("fill_response", order_id=stop["order_id"])["side"] == "SELL"


def test_messages_caused_by_advance_are_written_before_it_returns(sim: Simulator) -> None:
    client = connect(sim, None, "balances")
    assert "balance_response" in client.receive()
    sim.advance(1)
    client.socket.settimeout(0)
    assert "balance_response" in client.receive()


def test_the_exchanges_own_sample_works_with_other_urls_and_keys(default_sim: Simulator) -> None:
    """The style of the documentation: WebSocketApp, callbacks, raw JSON, all commands sent in on_open."""
    received: list[Message] = []

    def on_open(ws: websocket.WebSocketApp) -> None:
        ws.send(json.dumps(auth_message(default_sim.credentials)))
        ws.send(json.dumps({"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}}))
        ws.send(json.dumps({"type": "subscribe", "params": {"channels": ["order_responses"]}}))
        ws.send(json.dumps(order_message("BUY", 1, 200.0, client_order_id="from-the-docs")))

    def on_message(ws: websocket.WebSocketApp, text: str) -> None:
        received.append(json.loads(text))
        if "order_response" in received[-1]:
            ws.close()

    app = websocket.WebSocketApp(
        f"{default_sim.environment.trade_url}?api_key={default_sim.credentials.public_key}",
        on_open=on_open,
        on_message=on_message,
    )
    app.run_forever()
    assert received[0] == {"authenticated": True}
    assert received[-1]["order_response"]["client_order_id"] == "from-the-docs"
    assert open_orders(default_sim) == []


def test_an_asyncio_client_can_trade(default_sim: Simulator) -> None:
    async def run() -> list[Message]:
        async with websockets.connect(default_sim.environment.trade_url) as socket:
            await socket.send(json.dumps(auth_message(default_sim.credentials)))
            await socket.send(json.dumps({"type": "subscribe", "params": {"channels": ["fills"]}}))
            await socket.send(json.dumps(order_message("SELL", 1)))
            return [json.loads(await socket.recv()) for _ in range(3)]

    received = asyncio.run(run())
    assert received[:2] == [{"authenticated": True}, {"subscribed": "fills"}]
    assert received[2]["fill_response"]["side"] == "SELL"


def test_fragmented_and_binary_messages_are_processed(sim: Simulator) -> None:
    client = connect(sim)
    text = json.dumps(order_message("BUY", 1, 330)).encode()
    frame = websocket.ABNF
    client.socket.send_frame(frame(0, 0, 0, 0, frame.OPCODE_TEXT, 1, text[:20]))
    client.socket.ping("in between")
    client.socket.send_frame(frame(1, 0, 0, 0, frame.OPCODE_CONT, 1, text[20:]))
    assert client.receive()["order_response"]["status"] == "ACK"
    client.socket.send_binary(text)
    assert client.receive()["order_response"]["status"] == "ACK"


@pytest.mark.parametrize("dialect", ["live", "documented"])
def test_both_dialects_are_served(dialect: Any) -> None:
    with Simulator(dialect=dialect, symbols=[AAPL]) as simulator:
        client = connect(simulator)
        leverage = {"type": "set_user_leverage", "params": {"symbol": AAPL, "leverage": 5}}
        assert list(client.ask(leverage)) == [{"live": "ack", "documented": "ack_response"}[dialect]]
        client.close()


def test_commands_sent_in_one_piece_are_answered_in_order(sim: Simulator) -> None:
    client = RawClient(sim.environment.trade_url)
    messages = [
        auth_message(sim.credentials),
        {"type": "subscribe", "params": {"channels": ["order_responses"]}},
    ]
    messages += [order_message("BUY", 1, 330, client_order_id=f"n{i}") for i in range(200)]
    frames = [websocket.ABNF.create_frame(json.dumps(one), websocket.ABNF.OPCODE_TEXT) for one in messages]
    client.socket.sock.sendall(b"".join(frame.format() for frame in frames))
    assert client.receive() == {"authenticated": True}
    assert client.receive() == {"subscribed": "order_responses"}
    ids = [client.receive()["order_response"]["client_order_id"] for _ in range(200)]
    assert ids == [f"n{i}" for i in range(200)]
