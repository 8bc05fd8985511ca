"""What the exchange answers with an error and no order at all."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D

import pytest

from qfex.sim.engine import Refused, TwapEntry

from .helpers import AAPL, Arena

REFUSALS: list[tuple[str, Callable[[Arena], object]]] = [
    ("InvalidPrice", lambda arena: arena.market(arena.alice, "BUY", 1, price=200)),
    ("InvalidParameter", lambda arena: arena.buy(arena.alice, 1, 199, client_order_id="x" * 65)),
    ("InvalidOrder", lambda arena: arena.exchange.close_position(arena.alice, AAPL)),
    ("InvalidParameter", lambda arena: arena.exchange.set_leverage(arena.alice, AAPL, D(11))),
]
COMMANDS: list[Callable[[Arena], object]] = [
    lambda arena: arena.buy(arena.alice, 1, 199),
    lambda arena: arena.sell(arena.alice, 1, 190, order_type="STOP_LOSS"),
    lambda arena: arena.exchange.add_twap(arena.alice, TwapEntry(AAPL, "BUY", D(2), 2, 30)),
    lambda arena: arena.modify(arena.alice, arena.exchange.open_orders(arena.alice)[0], price=198),
]


@pytest.mark.parametrize(("code", "command"), REFUSALS)
def test_a_refusal_raises_its_code_and_says_nothing_else(
    arena: Arena, code: str, command: Callable[[Arena], object]
) -> None:
    with pytest.raises(Refused) as refused:
        command(arena)
    assert refused.value.error_code == code
    assert refused.value.message
    assert arena.events == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("flag", "code"), [("kyc", "KycRequired"), ("terms_accepted", "TncRequired")])
def test_trading_takes_identity_and_terms(
    arena: Arena, flag: str, code: str, command: Callable[[Arena], object]
) -> None:
    arena.buy(arena.alice, 1, 199)
    arena.exchange.set_flags(arena.alice, **{flag: False})
    with pytest.raises(Refused) as refused:
        command(arena)
    assert refused.value.error_code == code
    arena.exchange.set_flags(arena.alice, **{flag: True})
    arena.buy(arena.alice, 1, 199)


def test_cancelling_takes_neither(arena: Arena) -> None:
    row = arena.buy(arena.alice, 1, 199)
    arena.exchange.set_flags(arena.alice, kyc=False, terms_accepted=False, may_trade=False)
    assert arena.exchange.cancel_order(arena.alice, AAPL, "order_id", row.order_id)[0].status == "CANCELLED"


def test_a_twap_takes_permission(arena: Arena) -> None:
    arena.exchange.set_flags(arena.alice, may_trade=False)
    with pytest.raises(Refused, match="PermissionDenied"):
        arena.exchange.add_twap(arena.alice, TwapEntry(AAPL, "BUY", D(2), 2, 30))
