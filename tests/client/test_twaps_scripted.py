"""A TWAP is named by either of its ids."""

from __future__ import annotations

from typing import Any

import pytest

from qfex import Twap
from tests.client.conftest import Stage
from tests.support.exchange import Message, Peer
from tests.support.helpers import AAPL


def test_a_twap_is_cancelled_by_itself_or_by_either_id(stage: Stage) -> None:
    cancels: list[Message] = []

    def script(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.receive()
            kind, params = request["type"], request["params"]
            if kind == "cancel_order":
                cancels.append(params)
            client_id = params.get("client_twap_id", "mine")
            peer.send({"twap_response": {"twap_id": "t1", "client_twap_id": client_id, "symbol": AAPL}})

    _, client = stage(script)
    twap = client.add_twap(AAPL, "BUY", 10, 2, 30, client_twap_id="mine")
    named: list[Any] = [twap, "t1", "mine"]
    for name in named:
        assert isinstance(client.cancel_twap(name, symbol=AAPL), Twap)
    client.cancel_twap("t1")  # its symbol is known
    kinds = [(cancel["order_id"], cancel["cancel_order_id_type"]) for cancel in cancels]
    assert kinds == [("t1", "twap_id"), ("t1", "twap_id"), ("mine", "client_twap_id"), ("t1", "twap_id")]


@pytest.mark.parametrize("twap", [5, None, ""])
def test_waiting_takes_a_twap_or_an_id(stage: Stage, twap: Any) -> None:
    _, client = stage(lambda peer: peer.greet())
    with pytest.raises(ValueError, match="twap"):
        client.wait_until_twap_done(twap, timeout=1)
