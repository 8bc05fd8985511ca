"""What is refused before it is sent, and what a closed client refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qfex import Channel, NotConnected, Order, OrderStatus, TradeClient, Twap, ValidationError
from tests.client.conftest import Stage
from tests.support.exchange import obliging
from tests.support.helpers import AAPL, outcome

Call = Callable[[TradeClient], Any]
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
def test_what_is_no_length_of_time_or_no_number_is_refused(stage: Stage, number: int) -> None:
    _, client = stage(obliging)
    assert isinstance(outcome(lambda: REFUSED[number](client)), ValidationError)


@pytest.mark.parametrize("timeout", [1e9, float("inf")])
def test_any_length_of_time_will_do(stage: Stage, timeout: float) -> None:
    _, client = stage(obliging)
    with client.stream(Channel.ORDERS) as stream:
        placed = client.submit_order(AAPL, "BUY", 1, 200, timeout=timeout).result(timeout)
        assert stream.get(timeout) == placed
    assert client.get_leverage(timeout=timeout) == []


SPENT: list[Call] = [
    lambda client: client.on(Channel.ERRORS, print),
    lambda client: client.on(Channel.FILLS, print),
    lambda client: client.stream(Channel.ERRORS),
    lambda client: client.subscribe(Channel.ORDERS),
    lambda client: client.unsubscribe(Channel.FILLS),
    lambda client: client.wait_until_done(Order("known", status=OrderStatus.CANCELLED), 1),
    lambda client: client.wait_until_twap_done(Twap("t"), 1),
    lambda client: client.wait_until_ready(1),
    lambda client: list(client.iter_user_orders()),
]


@pytest.mark.parametrize("number", range(len(SPENT)))
def test_every_call_of_a_closed_client_is_refused(stage: Stage, number: int) -> None:
    _, client = stage(obliging)
    client.close()
    assert isinstance(outcome(lambda: SPENT[number](client)), NotConnected)
