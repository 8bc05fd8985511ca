"""Plans: from targets to trades, with every rule that reduces a trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import Instrument, Side, ValidationError
from qfex.models.instruments import InstrumentStatus
from qfex.rebalance import Account, Plan, PlannedTrade, Targets, make_plan


def instrument(symbol: str = "AAPL-USD", **changes: Any) -> Instrument:
    members: dict[str, Any] = {
        "symbol": symbol,
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
        "min_price": Decimal(1),
        "max_price": Decimal(10_000),
        "min_quantity": Decimal("0.01"),
        "max_quantity": Decimal(10_000_000),
        "quote_asset": "USD",
    }
    return Instrument(**{**members, **changes})


def account(
    positions: dict[str, Any] | None = None, equity: Any = 10_000, **instruments: Instrument
) -> Account:
    known = {"AAPL-USD": instrument(), "GOLD-USD": instrument("GOLD-USD"), **instruments}
    marks = {"AAPL-USD": Decimal(100), "GOLD-USD": Decimal(4000), "SAMSUNG-KRW": Decimal(250_000)}
    held = {symbol: Decimal(size) for symbol, size in (positions or {}).items()}
    return Account(Decimal(equity), held, marks, known)


def only(plan: Plan) -> PlannedTrade:
    (row,) = plan.rows
    return row


@pytest.mark.parametrize(
    ("weight", "held", "side", "quantity"),
    [
        ("0.5", "0", "BUY", "50"),
        ("-0.5", "0", "SELL", "50"),
        ("0.5", "20", "BUY", "30"),
        ("0.5", "80", "SELL", "30"),
        ("-0.1", "5", "SELL", "15"),
        ("0", "-7", "BUY", "7"),
    ],
)
def test_weights_are_shares_of_equity(weight: str, held: str, side: str, quantity: str) -> None:
    row = only(make_plan(Targets(weights={"AAPL-USD": weight}), account({"AAPL-USD": held})))
    assert (row.side, row.quantity) == (Side(side), Decimal(quantity))
    assert row.planned == row.target == Decimal(weight) * 100


def test_quantities_are_positions() -> None:
    row = only(make_plan(Targets(quantities={"AAPL-USD": "1.2345678"}), account()))
    assert (row.quantity, row.notional) == (Decimal("1.235"), Decimal("123.5"))


@pytest.mark.parametrize(
    ("held", "target", "reduces"),
    [
        ("5", "2", True),
        ("5", "0", True),
        ("-5", "-2", True),
        ("2", "5", False),
        ("5", "-2", False),
        ("0", "1", False),
    ],
)
def test_only_trades_that_reduce_a_position_are_reduce_only(held: str, target: str, reduces: bool) -> None:
    row = only(make_plan(Targets(quantities={"AAPL-USD": target}), account({"AAPL-USD": held})))
    assert row.reduce_only is reduces


def test_trades_that_free_margin_come_first() -> None:
    targets = Targets(quantities={"AAPL-USD": 10, "GOLD-USD": 0})
    trades = make_plan(targets, account({"GOLD-USD": "1"})).trades
    assert [trade.symbol for trade in trades] == ["GOLD-USD", "AAPL-USD"]


@pytest.mark.parametrize(
    ("targets", "held", "reason"),
    [
        ({"quantities": {"AAPL-USD": 5}}, "5", "at its target"),
        ({"quantities": {"AAPL-USD": "5.0004"}}, "5", "at its target"),
        ({"quantities": {"AAPL-USD": "5.009"}}, "5", "smallest order of 0.01"),
        ({"quantities": {"AAPL-USD": 6}, "min_trade": 101}, "5", "minimum trade of 101"),
    ],
)
def test_small_trades_are_left_out(targets: dict[str, Any], held: str, reason: str) -> None:
    plan = make_plan(Targets(**targets), account({"AAPL-USD": held}))
    assert plan.trades == [] and reason in only(plan).reason


def test_an_inactive_instrument_is_left_out() -> None:
    asleep = {"AAPL-USD": instrument(status=InstrumentStatus.INACTIVE)}
    plan = make_plan(Targets(quantities={"AAPL-USD": 5}), account(**asleep))
    assert plan.trades == [] and "INACTIVE" in only(plan).reason


def test_other_positions_are_closed_on_request() -> None:
    held = account({"GOLD-USD": "-1", "AAPL-USD": "0"})
    assert make_plan(Targets(quantities={"AAPL-USD": 1}), held).rows[0].symbol == "AAPL-USD"
    assert [row.symbol for row in make_plan(Targets(quantities={"AAPL-USD": 1}), held).rows] == ["AAPL-USD"]
    closing = make_plan(Targets(close_others=True), held)
    assert (only(closing).symbol, only(closing).quantity, only(closing).side) == ("GOLD-USD", 1, Side.BUY)


def test_the_turnover_limit_scales_all_trades_by_the_same_factor() -> None:
    targets = Targets(quantities={"AAPL-USD": 40, "GOLD-USD": -1}, max_turnover="0.4")
    plan = make_plan(targets, account())
    assert [row.quantity for row in plan.rows] == [Decimal(20), Decimal("0.5")]
    assert plan.turnover == 4000 and all("50%" in row.reason for row in plan.rows)


def test_a_trade_that_the_turnover_limit_makes_too_small_is_left_out() -> None:
    targets = Targets(quantities={"AAPL-USD": 99, "GOLD-USD": "0.025"}, max_turnover="0.5", min_trade=60)
    plan = make_plan(targets, account())
    assert [trade.symbol for trade in plan.trades] == ["AAPL-USD"]


def test_a_unit_of_any_quote_currency_counts_as_one_usdc() -> None:
    korean = {"SAMSUNG-KRW": instrument("SAMSUNG-KRW", quote_asset="KRW")}
    row = only(make_plan(Targets(weights={"SAMSUNG-KRW": "5"}), account(**korean)))
    assert (row.quantity, row.notional) == (Decimal("0.2"), Decimal(50_000))


def test_a_named_symbol_that_never_existed_is_refused() -> None:
    with pytest.raises(ValidationError, match="NO-USD"):
        make_plan(Targets(quantities={"NO-USD": 1, "AAPL-USD": 1}), account())


@pytest.mark.parametrize("targets", [{"quantities": {"OLD-USD": 0}}, {"close_others": True}])
def test_a_held_symbol_that_is_gone_is_a_remark_and_harms_no_other(targets: dict[str, Any]) -> None:
    held = account({"OLD-USD": "3", "GOLD-USD": "1"})
    plan = make_plan(Targets(**{"close_others": True, **targets}), held)
    assert [trade.symbol for trade in plan.trades] == ["GOLD-USD"]
    assert "no longer lists" in plan.unmet["OLD-USD"]


def test_a_symbol_without_a_mark_price_is_left_for_a_later_run() -> None:
    known = account(**{"NEW-USD": instrument("NEW-USD")})
    plan = make_plan(Targets(weights={"NEW-USD": "0.1", "AAPL-USD": "0.1"}), known)
    assert [trade.symbol for trade in plan.trades] == ["AAPL-USD"]
    assert plan.unmet == {"NEW-USD": "has no mark price"}


@pytest.mark.parametrize(
    ("targets", "held", "short"),
    [
        ({"weights": {"AAPL-USD": "0.00001"}}, "0", True),  # 0.001 of 0.01: no order is that small
        ({"weights": {"AAPL-USD": "0.0000001"}}, "0", True),  # less than half a lot
        ({"quantities": {"AAPL-USD": "5.009"}}, "5", False),  # as near as orders can get
        ({"quantities": {"AAPL-USD": 40}, "max_turnover": "0.1"}, "0", True),
        ({"quantities": {"AAPL-USD": 6}, "min_trade": 101}, "5", False),  # as the user wished
        ({"weights": {"AAPL-USD": 0}}, "0", False),
    ],
)
def test_a_plan_says_which_targets_it_does_not_reach(targets: dict[str, Any], held: str, short: bool) -> None:
    assert only(make_plan(Targets(**targets), account({"AAPL-USD": held}))).falls_short is short


@pytest.mark.parametrize("status", ["INACTIVE", "DELISTED", "HALTED"])
def test_only_active_instruments_are_traded(status: str) -> None:
    asleep = {"AAPL-USD": instrument(status=InstrumentStatus(status))}
    plan = make_plan(Targets(quantities={"AAPL-USD": 5}), account(**asleep))
    assert plan.trades == [] and status in plan.unmet["AAPL-USD"]


def test_a_flip_that_frees_margin_comes_before_an_increase() -> None:
    targets = Targets(quantities={"AAPL-USD": 40, "GOLD-USD": -1})
    trades = make_plan(targets, account({"GOLD-USD": "60"})).trades
    assert [(trade.symbol, trade.frees_margin) for trade in trades] == [
        ("GOLD-USD", True),
        ("AAPL-USD", False),
    ]
    assert not any(trade.reduce_only for trade in trades)
    larger = make_plan(
        Targets(quantities={"AAPL-USD": 0, "GOLD-USD": -2}), account({"GOLD-USD": 1, "AAPL-USD": 1})
    )
    assert [trade.symbol for trade in larger.trades] == ["AAPL-USD", "GOLD-USD"]


def test_weights_need_equity() -> None:
    with pytest.raises(ValidationError, match="equity"):
        make_plan(Targets(weights={"AAPL-USD": 1}), account(equity=0))


sizes = st.decimals(-500, 500, places=3)


@given(
    held=sizes,
    weight=st.decimals(-3, 3, places=4),
    limit=st.none() | st.decimals(0, 2, places=2),
    smallest=st.sampled_from([0, 50]),
)
def test_every_plan_keeps_its_rules(
    held: Decimal, weight: Decimal, limit: Decimal | None, smallest: int
) -> None:
    targets = Targets(weights={"AAPL-USD": weight}, max_turnover=limit, min_trade=smallest)
    plan = make_plan(targets, account({"AAPL-USD": held}))
    row, lot = only(plan), Decimal("0.001")
    assert row.quantity % lot == 0 and row.target % lot == 0
    assert row.quantity == 0 or (row.quantity >= Decimal("0.01") and row.notional >= smallest)
    assert limit is None or plan.turnover <= limit * 10_000
    assert abs(row.target - row.planned) <= abs(row.target - held), "a trade leads away from its target"
    if limit is None and row.quantity:
        assert abs(row.planned - row.target) < lot
    if row.reduce_only:
        assert abs(row.planned) <= abs(held) and row.planned * held >= 0
