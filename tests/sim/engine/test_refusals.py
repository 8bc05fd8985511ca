"""Commands that the exchange answers with an error instead of an order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D

import pytest

from qfex.sim.engine import Refused, TwapEntry

from .helpers import AAPL, EngineHarness

REFUSALS: list[tuple[str, Callable[[EngineHarness], object]]] = [
    ("InvalidPrice", lambda harness: harness.market(harness.alice, "BUY", 1, price=200)),
    ("InvalidParameter", lambda harness: harness.buy(harness.alice, 1, 199, client_order_id="x" * 65)),
    ("InvalidOrder", lambda harness: harness.exchange.close_position(harness.alice, AAPL)),
    ("InvalidParameter", lambda harness: harness.exchange.set_leverage(harness.alice, AAPL, D(11))),
]
COMMANDS: list[Callable[[EngineHarness], object]] = [
    lambda harness: harness.buy(harness.alice, 1, 199),
    lambda harness: harness.sell(harness.alice, 1, 190, order_type="STOP_LOSS"),
    lambda harness: harness.exchange.add_twap(harness.alice, TwapEntry(AAPL, "BUY", D(2), 2, 30)),
    lambda harness: harness.modify(harness.alice, harness.exchange.open_orders(harness.alice)[0], price=198),
]


@pytest.mark.parametrize(("code", "command"), REFUSALS)
def test_a_refusal_raises_its_code_and_emits_no_event(
    harness: EngineHarness, code: str, command: Callable[[EngineHarness], object]
) -> None:
    with pytest.raises(Refused) as refused:
        command(harness)
    assert refused.value.error_code == code
    assert refused.value.message
    assert harness.events == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("flag", "code"), [("kyc", "KycRequired"), ("terms_accepted", "TncRequired")])
def test_trading_requires_kyc_and_accepted_terms(
    harness: EngineHarness, flag: str, code: str, command: Callable[[EngineHarness], object]
) -> None:
    harness.buy(harness.alice, 1, 199)
    harness.exchange.set_flags(harness.alice, **{flag: False})
    with pytest.raises(Refused) as refused:
        command(harness)
    assert refused.value.error_code == code
    harness.exchange.set_flags(harness.alice, **{flag: True})
    harness.buy(harness.alice, 1, 199)


def test_cancelling_requires_neither(harness: EngineHarness) -> None:
    row = harness.buy(harness.alice, 1, 199)
    harness.exchange.set_flags(harness.alice, kyc=False, terms_accepted=False, may_trade=False)
    assert (
        harness.exchange.cancel_order(harness.alice, AAPL, "order_id", row.order_id)[0].status == "CANCELLED"
    )


def test_a_twap_requires_permission_to_trade(harness: EngineHarness) -> None:
    harness.exchange.set_flags(harness.alice, may_trade=False)
    with pytest.raises(Refused, match="PermissionDenied"):
        harness.exchange.add_twap(harness.alice, TwapEntry(AAPL, "BUY", D(2), 2, 30))
