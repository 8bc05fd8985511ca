"""Rows of the REST API's lists: an unreadable one costs that row, and a list that is missing is not an empty one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from qfex import RestClient, RestError
from qfex.models.history import Contract, SymbolMetrics
from tests.support.rest_server import ScriptedServer, reply

from .test_operations import SERIES, Ask, trades

ROWS = [(ask, "data", row) for ask, _, _, row, _ in SERIES] + [
    (lambda client: client.symbol_metrics(), "data", {"symbol": "A", "current_mark_price": 1,
     "volume_24h_usd_notional": 2, "mark_price_change_24h_pct": 3, "open_interest": 4, "funding_rate_bps": 5}),
    (lambda client: client.subaccounts(), "account_ids", "acc-1"),
    (lambda client: client.subaccount_balances(), "accounts", {"account_id": "a", "available_balance": 1}),
]  # fmt: skip
NAMES = [ask.__code__.co_names[0] for ask, _, _ in ROWS]
#: Without its client order id, whose absence would be a statement.
ASKS: list[tuple[Ask, str, Any]] = [
    (lambda client: client.historic_orders(), member, row)
    if name == "historic_orders"
    else (ask, member, row)
    for (ask, member, row), name in zip(ROWS, NAMES, strict=True)
]


@pytest.mark.parametrize("odd", [None, 7, {}, []], ids=repr)
@pytest.mark.parametrize(("ask", "member", "row"), ASKS, ids=NAMES)
def test_an_unreadable_row_costs_that_row(
    server: ScriptedServer, client: RestClient, caplog: pytest.LogCaptureFixture,
    ask: Ask, member: str, row: Any, odd: Any,
) -> None:  # fmt: skip
    server.replies = [reply({member: [row, odd, row]})]
    with caplog.at_level(logging.WARNING, "qfex.rest"):
        assert len(ask(client)) == 2
    assert [record.levelname for record in caplog.records if "row left out" in record.message] == ["WARNING"]


@pytest.mark.parametrize(("ask", "member", "row"), ASKS, ids=NAMES)
def test_a_list_that_is_missing_or_unreadable_is_not_an_empty_one(
    server: ScriptedServer, client: RestClient, ask: Ask, member: str, row: Any
) -> None:
    for answer in ({}, {"count": 1}, {member: 5}, {member: {}}, {member: [{"odd": 1}]}):
        server.asked.clear()
        server.replies = [reply(answer)]
        with pytest.raises(RestError, match="expected format"):
            ask(client)


def nulls_of(model: type, row: dict[str, Any]) -> list[str]:
    hints = {field.name: str(field.type) for field in attrs.fields(model)}
    return [name for name in row if "None" in hints.get(name, "")]


METRICS = ASKS[-3][2]


@pytest.mark.parametrize("member", nulls_of(SymbolMetrics, METRICS))
def test_a_null_of_one_symbol_costs_nothing_else(
    server: ScriptedServer, public: RestClient, member: str
) -> None:
    server.replies = [reply({"data": [METRICS, {**METRICS, "symbol": "B", member: None}]})]
    first, second = public.symbol_metrics()
    assert first.current_mark_price == 1
    assert getattr(second, member) is None and second.symbol == "B"


def test_every_amount_of_a_contract_may_be_null(server: ScriptedServer, public: RestClient) -> None:
    names = [field.name for field in attrs.fields(Contract)]
    server.replies = [reply({"data": [{**dict.fromkeys(names), "ticker_id": "A"}]})]
    (contract,) = public.contracts()
    assert contract.ticker_id == "A" and contract.last_price is None


def test_no_secret_of_a_row_gets_into_the_log(
    server: ScriptedServer, public: RestClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [reply({"data": [METRICS, {"symbol": 5, "note": "qfex_secret_abc123"}]})]
    public.symbol_metrics()
    assert "row left out" in caplog.text and "abc123" not in caplog.text


def test_a_number_that_is_no_json_costs_its_row(server: ScriptedServer, public: RestClient) -> None:
    answer = reply({"data": [METRICS, {**METRICS, "symbol": "B", "open_interest": float("nan")}]})
    assert b"NaN" in answer.body
    server.replies = [answer]
    assert [row.symbol for row in public.symbol_metrics()] == ["A"]


# --- where a missing row would be a statement ----------------------------------------------------------------


@pytest.mark.parametrize("odd", [{"symbol": "B", "position": None}, {"symbol": None, "position": 1}, None])
def test_a_position_that_cannot_be_read_is_not_taken_for_flat(
    server: ScriptedServer, client: RestClient, odd: Any
) -> None:
    server.replies = [reply({"positions": [{"symbol": "A", "position": 1}, odd], "balance": {}})]
    with pytest.raises(RestError, match="expected format"):
        client.positions()


def test_what_is_not_essential_to_a_position_may_be_null(server: ScriptedServer, client: RestClient) -> None:
    row = {"symbol": "A", "position": 1, "average_price": None, "leverage": None}
    server.replies = [reply({"positions": [row], "balance": {}})]
    position = client.positions()["A"]
    assert position.position == 1 and position.average_price is None and position.leverage is None


def test_one_order_that_cannot_be_read_is_not_taken_for_no_order(
    server: ScriptedServer, client: RestClient
) -> None:
    row = next(row for ask, _, row in ROWS if ask.__code__.co_names[0] == "historic_orders")
    server.replies = [reply({"data": [row, {**row, "quantity": None}]})]
    with pytest.raises(RestError, match="expected format"):
        client.historic_orders(client_order_id="c")
    assert len(client.historic_orders(symbol="A")) == 1


@pytest.mark.parametrize("read", [RestClient.balance, RestClient.positions, RestClient.fees])
def test_an_answer_without_the_account_says_nothing_about_it(
    server: ScriptedServer, client: RestClient, read: Callable[[RestClient], Any]
) -> None:
    server.replies = [reply({})]
    with pytest.raises(RestError, match="expected format"):
        read(client)


# --- others ----------------------------------------------------------------------------------------------------


def test_the_fees_of_one_symbol_cost_no_other(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [
        reply({"fees": {"A": {"maker_fee": 1, "taker_fee": 2}, "B": None, "C": {"maker_fee": 1}}})
    ]
    assert list(client.fees()) == ["A"]


def test_an_odd_level_costs_that_level(server: ScriptedServer, public: RestClient) -> None:
    book = {"ticker_id": "A", "bids": [["1", "2"], ["1", None], []], "asks": [["3", "1"]], "timestamp": -1}
    server.replies = [reply(book)]
    found = public.order_book("A")
    assert (
        [level.price for level in found.bids] == [Decimal(1)] and len(found.asks) == 1 and found.time is None
    )


def test_an_implausible_time_is_unknown_and_logged(
    server: ScriptedServer, client: RestClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [trades(0)]
    assert client.user_trades()[0].time is None
    assert "timestamp is not a plausible time" in caplog.text


# --- pages -----------------------------------------------------------------------------------------------------


def test_trades_made_while_pages_are_read_hide_none(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [trades(6, 5), trades(6, 5), trades(4, 3), trades(2, 1), trades()]
    assert [row.trade_id for row in client.iter_user_trades(page_size=2)] == [
        "t6",
        "t5",
        "t4",
        "t3",
        "t2",
        "t1",
    ]


def test_a_page_of_unreadable_rows_is_not_the_end(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [trades(3), reply({"data": [None]}), trades(1), trades()]
    assert [row.trade_id for row in client.iter_user_trades(page_size=1)] == ["t3", "t1"]
    assert [asked.query["offset"] for asked in server.asked] == ["0", "1", "2", "3"]
