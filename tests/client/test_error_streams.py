"""What a callback raises reaches streams as well as callbacks."""

from __future__ import annotations

from typing import Any

from qfex import Channel, ErrorEvent, TradeClient
from tests.conftest import PATIENCE


def test_a_stream_hears_of_a_callback_that_raised(client: TradeClient) -> None:
    def broken(order: Any) -> None:
        raise RuntimeError("broken")

    client.on(Channel.ORDERS, broken)
    with client.stream(Channel.ERRORS) as errors:
        client.place_order("AAPL-USD", "BUY", "0.5", "330.00")
        report = errors.get(PATIENCE)
    assert isinstance(report, ErrorEvent)
    assert report.kind == "callback" and isinstance(report.error, RuntimeError)
