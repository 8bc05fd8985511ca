"""Subclasses of `str`, such as numpy's, are accepted and sent as plain text."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from qfex import (
    ApiError,
    Order,
    OrderRejected,
    OrderType,
    Side,
    StopOrder,
    TradeClient,
    Twap,
    ValidationError,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, Connect, D, sent

from .test_validation import METHODS, RESTING

TERMS: dict[str, Any] = {"symbol": AAPL, "side": "BUY", "quantity": 1, "price": 330}

#: Calls with every text argument that they take, and the command that they send.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("place_order", "add_order", {**TERMS, "order_type": "ALO", "time_in_force": "GTC", "client_order_id": "c1"}),
    ("submit_order", "add_order", {**TERMS, "order_type": "ALO", "time_in_force": "GTC", "client_order_id": "c1"}),
    ("place_limit_order", "add_order", {**TERMS, "time_in_force": "GTC", "client_order_id": "c1"}),
    ("place_market_order", "add_order", {"symbol": AAPL, "side": "BUY", "quantity": 1, "client_order_id": "c1"}),
    ("place_stop_order", "add_order", {"symbol": AAPL, "side": "SELL", "stop_type": "STOP_LOSS", "quantity": 1,
      "trigger_price": 300, "client_order_id": "c1"}),
    ("modify_order", "modify_order", {"order": RESTING, "price": 331}),
    ("modify_stop_order", "modify_stop_order", {"stop_order": "s1", "symbol": AAPL, "trigger_price": 1, "quantity": 1}),
    ("modify_stop_order", "modify_stop_order", {"stop_order": StopOrder("s1", AAPL), "trigger_price": 1, "quantity": 1}),
    ("cancel_order", "cancel_order", {"order": "o1", "symbol": AAPL, "id_type": "order_id"}),
    ("cancel_order", "cancel_order", {"order": "c1", "symbol": AAPL, "id_type": "client_order_id"}),
    ("cancel_order", "cancel_order", {"order": Order("o1", symbol=AAPL)}),
    ("cancel_stop_order", "cancel_stop_order", {"stop_order": "s1"}),
    ("cancel_stop_order", "cancel_stop_order", {"stop_order": StopOrder("s1")}),
    ("close_position", "close_position", {"symbol": AAPL, "client_order_id": "c1"}),
    ("add_twap", "add_twap", {"symbol": AAPL, "side": "BUY", "total_quantity": 10, "num_orders": 5,
      "order_interval_secs": 30, "client_twap_id": "t1"}),
    ("cancel_twap", "cancel_order", {"twap": "t1", "symbol": AAPL}),
    ("cancel_twap", "cancel_order", {"twap": Twap("t1", symbol=AAPL)}),
    ("get_order", "get_order", {"symbol": AAPL, "order_id": "o1"}),
    ("get_user_orders", "get_user_orders", {"symbol": AAPL}),
    ("iter_user_orders", "get_user_orders", {"symbol": AAPL}),
    ("get_user_trades", "get_user_trades", {"order_id": "o1"}),
    ("set_leverage", "set_user_leverage", {"symbol": AAPL, "leverage": 5}),
    ("unsubscribe", "unsubscribe", {"channels": ["fills"]}),
]  # fmt: skip


@pytest.fixture
def dialect() -> str:
    """One dialect: the client sends the same in both."""
    return "live"


class OwnText(str):
    """A subclass of `str` that neither msgspec nor `str` convert to the text that it holds."""

    def __str__(self) -> str:
        return "something else"


def own(value: Any) -> Any:
    """The same value with its plain texts replaced by `OwnText`. Enumerations stay."""
    if isinstance(value, list):
        return list(map(own, value))
    if attrs.has(type(value)):
        texts = {name: own(member) for name, member in attrs.asdict(value).items() if type(member) is str}
        return attrs.evolve(value, **texts)
    return OwnText(value) if type(value) is str else value


def ask(client: TradeClient, method: str, given: dict[str, Any]) -> None:
    try:
        METHODS[method][0](client, given)
    except (OrderRejected, ApiError):  # the order need not exist
        pass


@pytest.mark.parametrize("method, command, given", CALLS)
def test_a_str_subclass_is_sent_as_plain_text(
    sim: Simulator, connect: Connect, method: str, command: str, given: dict[str, Any]
) -> None:
    client = connect(sim)
    before = len(sent(sim, command))
    ask(client, method, dict(given))
    ask(client, method, {name: own(value) for name, value in given.items()})
    client.get_leverage()  # its reply shows that everything before it has arrived
    plain, same = sent(sim, command)[before:]
    assert plain == same
    assert client.stats().pending == 0


def test_an_order_is_resolved_by_a_str_subclass(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    placed = client.place_order(AAPL, Side.BUY, 1, 330, client_order_id=OwnText("c1"))
    assert type(placed.client_order_id) is str
    assert client.resolve(OwnText("c1"), OwnText(AAPL)) == placed
    assert client.wait_until_done(OwnText(placed.order_id), timeout=0.0) == placed


def test_a_subaccount_can_be_named_by_a_str_subclass(sim: Simulator) -> None:
    client = TradeClient(sim.environment, sim.credentials, account_id=OwnText("a1"))
    account_id = client._session.endpoint.authentication().account_id  # type: ignore[attr-defined]
    assert type(account_id) is str and account_id == "a1"


@pytest.mark.parametrize("account_id", ["", "\ud800", 5])
def test_a_subaccount_that_cannot_be_named_is_refused(sim: Simulator, account_id: Any) -> None:
    with pytest.raises(ValidationError, match="account_id"):
        TradeClient(sim.environment, sim.credentials, account_id=account_id)


@pytest.mark.parametrize(
    "changed",
    [{"reduce_only": None}, {"take_profit": D("NaN")}, {"stop_loss": D("sNaN")}, {"stop_loss": "high"}],
)
def test_an_order_with_an_invalid_value_cannot_be_modified(
    sim: Simulator, connect: Connect, changed: dict[str, Any]
) -> None:
    order = attrs.evolve(Order("o1", symbol=AAPL, side=Side.BUY, order_type=OrderType.LIMIT), **changed)
    with pytest.raises(ValidationError, match=next(iter(changed))):
        connect(sim).modify_order(order, price=330, quantity=1)
