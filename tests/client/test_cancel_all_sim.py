"""The end of a cancel of all orders, where the exchange acknowledges it and where it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qfex import TradeClient
from qfex.sim import Simulator
from tests.support.helpers import AAPL


@pytest.mark.parametrize("orders", [0, 2])
def test_it_can_be_repeated_on_the_same_line(
    sim: Simulator, connect: Callable[..., TradeClient], orders: int
) -> None:
    client = connect(sim)
    line = sim.connections[0].id
    for _ in range(2):
        for number in range(orders):
            client.place_order(AAPL, "BUY", 1, 190 + number)
        assert len(client.cancel_all_orders()) == orders
    assert [connection.id for connection in sim.connections] == [line]
    assert sim.ledger.count("cancel_all_orders") == 2


def test_an_acknowledgement_after_it_finds_its_own_caller(
    sim: Simulator, connect: Callable[..., TradeClient]
) -> None:
    """Setting leverage is acknowledged without saying what for."""
    client = connect(sim)
    client.cancel_all_orders()
    client.set_leverage(AAPL, 5, timeout=2)
    assert any(row.symbol == AAPL and row.leverage == 5 for row in client.get_leverage())
