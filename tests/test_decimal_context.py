"""The program's decimal context, its locale and ``python -O`` change nothing in the client or the simulator."""

from __future__ import annotations

import decimal
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from qfex import Fill, Order, OrderStatus, RestClient, Side, TradeClient, ValidationError
from qfex.ledger import Ledger
from qfex.models.account import Balance, Position
from qfex.models.history import Fee
from qfex.models.instruments import Instrument
from qfex.models.twaps import Twap
from qfex.protocol.trade.messages import decode
from qfex.rebalance import Journal, Pace, Rebalancer, Targets
from qfex.sim import Simulator

HOSTILE = {
    "short": decimal.Context(prec=2),
    "rounding up": decimal.Context(prec=5, rounding=decimal.ROUND_UP),
    "all traps": decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded, decimal.FloatOperation]),
    "no traps": decimal.Context(prec=4, traps=[]),
    "small letters": decimal.Context(prec=6, capitals=0),
    "narrow": decimal.Context(prec=3, Emin=-2, Emax=2),
}


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> Iterator[None]:
    before = decimal.getcontext()
    decimal.setcontext(HOSTILE[request.param].copy())
    try:
        yield
    finally:
        decimal.setcontext(before)


NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
INSTRUMENT = Instrument("A", D("0.01"), D("0.001"), D(1), D(10**6), D("0.001"), D(10**6))


def fills() -> Iterator[Fill]:
    for number, (side, price, quantity) in enumerate(
        [(Side.BUY, "123.4567", "12.3456"), (Side.BUY, "123.4577", "98.7654"), (Side.SELL, "125.0001", "50.5050")]
    ):  # fmt: skip
        yield Fill(f"t{number}", "o", "A", side, D(price), D(quantity), D("0.0123456"), time=NOON)


def ledger_facts() -> Any:
    ledger = Ledger([Position("A", D("-1.23456"), D("98.76543"))])
    ledger.add(fills())
    result = ledger.results()["A"]
    entries = [(entry.quantity, entry.realised_pnl, entry.average_price) for entry in ledger.entries]
    return entries, result, result.unrealised_pnl(D("126.12345")), ledger.positions()


def refusal(function: Callable[[], Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        function()
    return str(caught.value)


FACTS: dict[str, Callable[[], Any]] = {
    "filled": lambda: Order("o", quantity=D("1234.56789"), quantity_remaining=D("0.00001")).quantity_filled,
    "twap": lambda: (
        Twap("t", total_quantity=D("1234.56789"), filled_quantity=D("0.00001")).quantity_remaining
    ),
    "equity": lambda: (
        Balance(available_balance=D("123456.789"), order_margin=D("0.123"), position_margin=D("0.045")).equity
    ),
    "fee": lambda: (Fee(123_456_789, -123_457).maker_rate, Fee(1, -123_457).taker_rate),
    "price": lambda: INSTRUMENT.round_price("123456.789", decimal.ROUND_DOWN),
    "quantity": lambda: INSTRUMENT.round_quantity(1234.5678, decimal.ROUND_HALF_EVEN),
    "check": lambda: INSTRUMENT.check(side="BUY", quantity="1234.567", price="123456.78"),
    "refused": lambda: refusal(
        lambda: INSTRUMENT.check(side="BUY", quantity="1234.5678", price="123456.789")
    ),
    "no number": lambda: refusal(lambda: INSTRUMENT.round_price("abc", decimal.ROUND_DOWN)),
    "ledger": ledger_facts,
    "message": lambda: decode(
        b'{"order_response":{"order_id":"o","quantity":123456.789012345,"price":1.5e-9,"update_time":1767268800.123}}'
    ),
    "careful": lambda: decode(b'[{"order_response":{"order_id":"o","quantity":"123456.789012345","fee":1}}]'),
}
EXPECTED = {name: (fact(), str(fact())) for name, fact in FACTS.items()}


@pytest.mark.parametrize("name", FACTS)
def test_the_clients_own_arithmetic_is_exact(hostile: None, name: str) -> None:
    fact = FACTS[name]()
    with decimal.localcontext(decimal.Context()):  # comparing and showing are the test's own
        assert (fact, str(fact)) == EXPECTED[name]


def test_a_client_and_a_simulator_made_and_used_under_it_trade(hostile: None) -> None:
    with (
        Simulator(symbols=["AAPL-USD"], seed=1) as sim,
        TradeClient(sim.environment, sim.credentials) as client,
    ):
        order = client.place_order("AAPL-USD", "BUY", "1.234", "329.99", timeout=10)
        done = client.place_order("AAPL-USD", "BUY", "0.123", wait=True, timeout=10)
        equity = sim.snapshot().accounts[0].equity
        client.cancel_order(order)
    with decimal.localcontext(decimal.Context()):
        assert (order.status, str(order.quantity), str(order.price)) == (OrderStatus.ACK, "1.234", "329.99")
        assert done.quantity_filled == D("0.123")
        assert 99_000 < equity < 101_000 and equity != round(equity)


def test_a_simulator_does_not_follow_a_context_that_changes_while_it_runs() -> None:
    context = decimal.getcontext()
    before = context.prec
    with Simulator(symbols=["AAPL-USD"]) as sim, TradeClient(sim.environment, sim.credentials) as client:
        try:
            context.prec = 3
            assert client.place_order("AAPL-USD", "BUY", "1.234", "329.99").status == "ACK"
            sim.set_mark_price("AAPL-USD", "337.23")
            assert sim.exchange_call(lambda _: decimal.getcontext().prec) == 28
        finally:
            context.prec = before


def test_a_rebalancer_trades_to_the_last_digit(hostile: None, tmp_path: Path) -> None:
    with (
        Simulator(symbols=["AAPL-USD"]) as sim,
        TradeClient(sim.environment, sim.credentials) as client,
        RestClient(sim.environment, sim.credentials) as rest,
        Journal.of_account(tmp_path / "journal", sim.environment, sim.credentials) as journal,
    ):
        targets = Targets(quantities={"AAPL-USD": "12.345"}, execution="market")
        report = Rebalancer(client, rest, journal, pace=Pace(poll=0.1)).run(targets)
        assert (report.outcome, rest.positions()["AAPL-USD"].position) == ("done", D("12.345"))


PROGRAM = """
import decimal, locale
locale.setlocale(locale.LC_ALL, "")
decimal.DefaultContext.prec = 4
decimal.setcontext(decimal.DefaultContext)
from qfex import TradeClient
from qfex.sim import Simulator
with Simulator(symbols=["AAPL-USD"]) as sim, TradeClient(sim.environment, sim.credentials) as client:
    print(client.place_order("AAPL-USD", "BUY", "1.234", "329.99").status)
    print(client.place_order("AAPL-USD", "BUY", "0.123", wait=True).quantity_filled)
"""


@pytest.mark.parametrize("option", ["-O", "-OO", "-B"])
@pytest.mark.parametrize("language", ["C", "tr_TR.UTF-8", "de_DE.UTF-8"])
def test_neither_optimisation_nor_locale_changes_anything(option: str, language: str) -> None:
    environment = {**os.environ, "LC_ALL": language, "LANG": language, "PYTHONUTF8": "0"}
    program = PROGRAM if language == "C" else PROGRAM.replace("locale.setlocale", "# ")
    ended = subprocess.run(
        [sys.executable, option, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout.split() == ["ACK", "0.123"], ended.stderr
