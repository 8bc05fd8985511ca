"""Runs of the rebalancer: their outcomes, and how they continue earlier runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import attrs
import pytest

from qfex import Side
from qfex.errors import OutcomeUnknown
from qfex.rebalance import Outcome, Plan, Targets
from qfex.rebalance.records import RunState, StepKind, StepState
from qfex.workflows import resolve as resolving

from .conftest import Bench

HALF = {"weights": {"AAPL-USD": "0.5"}, "execution": "market"}


def test_the_report_describes_every_trade(bench: Bench) -> None:
    report = bench.run(**HALF, quantities={"GOLD-USD": "-1"})
    assert report.outcome is Outcome.DONE and report.equity == 100_000
    assert {trade.symbol: trade.after for trade in report.trades} == {
        trade.symbol: trade.target for trade in report.trades
    }
    for trade in report.trades:
        (execution,) = trade.executions
        assert execution.kind is StepKind.MARKET and execution.fees and execution.average_price
        assert trade.average_price == execution.average_price
        assert trade.slippage_bps is not None and 0 < trade.slippage_bps < 20
    assert [progress.filled for progress in bench.progress] == [trade.planned for trade in report.trades]


def test_a_second_run_in_the_same_period_does_nothing(bench: Bench) -> None:
    today = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    targets = Targets(**HALF)
    assert bench.rebalancer(now=lambda: today).run(targets).outcome is Outcome.DONE
    bench.simulator.set_mark_price("AAPL-USD", 345)
    assert (
        bench.rebalancer(now=lambda: today + timedelta(hours=11)).run(targets).outcome
        is Outcome.NOTHING_TO_DO
    )
    assert bench.rebalancer(now=lambda: today + timedelta(hours=12)).run(targets).outcome is Outcome.DONE
    assert [run.period for run in bench.journal.runs()] == ["2026-01-01", "2026-01-02"]


def test_again_makes_a_new_plan(bench: Bench) -> None:
    assert bench.run(**HALF).outcome is Outcome.DONE
    bench.client.close_position("AAPL-USD", wait=True)
    assert bench.run(**HALF).outcome is Outcome.NOTHING_TO_DO
    assert bench.run(again=True, **HALF).outcome is Outcome.DONE
    assert bench.position("AAPL-USD") > 0


def test_a_plan_without_trades_is_nothing_to_do(bench: Bench) -> None:
    report = bench.run(quantities={"AAPL-USD": 0})
    assert (report.outcome, report.skipped) == (Outcome.NOTHING_TO_DO, {"AAPL-USD": "at its target"})
    assert bench.journal.runs()[0].state is RunState.DONE


def test_planning_does_not_trade(bench: Bench) -> None:
    plan = bench.rebalancer().plan(Targets(**HALF))
    assert isinstance(plan, Plan) and len(plan.trades) == 1
    assert bench.journal.runs() == [] and bench.simulator.ledger.count("add_order") == 0


def test_a_refused_trade_is_reported(bench: Bench) -> None:
    report = bench.run(quantities={"AAPL-USD": 50_000}, execution="market")
    assert report.outcome is Outcome.REFUSED
    assert (
        "MARGIN" in report.trades[0].executions[0].note or report.trades[0].executions[0].state == "refused"
    )
    assert bench.journal.runs()[0].state is RunState.REFUSED


def test_one_refusal_among_others_is_partial(bench: Bench) -> None:
    report = bench.run(quantities={"AAPL-USD": 50_000, "GOLD-USD": "0.5"}, execution="market")
    assert report.outcome is Outcome.PARTIAL
    assert {trade.symbol: trade.state for trade in report.trades} == {
        "AAPL-USD": Outcome.REFUSED, "GOLD-USD": Outcome.DONE,
    }  # fmt: skip


def test_a_run_in_an_empty_market_is_partial_and_the_next_run_continues_it(new_bench: type[Bench]) -> None:
    bench = new_bench(liquidity=False)
    maker = bench.simulator.create_account()
    report = bench.run(quantities={"AAPL-USD": 2}, execution="market")
    assert report.outcome is Outcome.PARTIAL and report.trades[0].achieved == 0
    with type(bench.client)(bench.simulator.environment, maker) as other:
        other.place_order("AAPL-USD", "SELL", "0.5", "336")
        assert bench.run(quantities={"AAPL-USD": 2}, execution="market").outcome is Outcome.PARTIAL
        other.place_order("AAPL-USD", "SELL", "3", "336.5")
    report = bench.run(quantities={"AAPL-USD": 2}, execution="market")
    assert report.outcome is Outcome.DONE and report.trades[0].achieved == 2
    assert bench.position("AAPL-USD") == 2
    assert len(bench.journal.runs()) == 1


def test_other_targets_in_the_same_period_start_another_run(bench: Bench) -> None:
    bench.run(quantities={"AAPL-USD": 2}, execution="market")
    report = bench.run(quantities={"AAPL-USD": "0.5"}, execution="market")
    assert report.outcome is Outcome.DONE and report.trades[0].side is Side.SELL
    assert bench.position("AAPL-USD") == Decimal("0.5")


def leave_a_live_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave an open run with a live limit order, as a crash does, and return its client order id."""
    monkeypatch.setattr(
        "qfex.rebalance.tactics.Tactics._due", lambda *_: (_ for _ in ()).throw(RuntimeError("crash"))
    )
    with pytest.raises(RuntimeError):
        bench.run(quantities={"AAPL-USD": 2}, limit_wait=60)
    monkeypatch.undo()
    monkeypatch.setattr(resolving, "NOT_FOUND_GRACE", 0.05)
    (order,) = bench.client.get_user_orders().orders
    return order.client_order_id


def test_a_live_order_of_a_crashed_run_is_continued(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    left = leave_a_live_limit(bench, monkeypatch)
    bench.simulator.set_mark_price(
        "AAPL-USD", 330
    )  # the book follows the mark price and trades with the order
    report = bench.run(quantities={"AAPL-USD": 2}, limit_wait=60)
    assert report.outcome is Outcome.DONE
    assert [each.client_id for each in report.trades[0].executions] == [left]


def test_a_live_order_of_other_targets_is_cancelled_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = leave_a_live_limit(bench, monkeypatch)
    report = bench.run(quantities={"AAPL-USD": 1}, execution="market")
    assert report.outcome is Outcome.DONE and bench.position("AAPL-USD") == 1
    old, new = bench.journal.runs()
    assert (old.state, new.state) == (RunState.SUPERSEDED, RunState.DONE)
    assert bench.client.get_user_orders().orders == []
    assert bench.journal.steps(old)[0].client_id == left
    assert bench.run(quantities={"AAPL-USD": 2}, execution="limit-then-market").outcome is Outcome.DONE


def test_orders_of_a_lost_journal_are_cancelled(bench: Bench) -> None:
    ours = bench.journal.client_id_prefix + "0123456789abcdef01234567"
    bench.client.place_order("AAPL-USD", "BUY", "5", "330", client_order_id=ours)
    theirs = bench.client.place_order("AAPL-USD", "BUY", "5", "330")
    bench.client.add_twap("GOLD-USD", "BUY", "1", 2, 30, client_twap_id=ours)
    bench.run(quantities={"AAPL-USD": 1}, execution="market")
    left = bench.client.get_user_orders()
    assert [order.order_id for order in left.orders] == [theirs.order_id] and left.twaps == []


def test_an_unknown_outcome_stops_the_run_and_is_settled_before_the_next(bench: Bench) -> None:
    hasty = attrs.evolve(bench, pace=attrs.evolve(bench.pace, answer=0.5))
    bench.simulator.faults.swallow_command("add_order")
    bench.simulator.faults.swallow_reply("get_order", times=None)
    report = hasty.run(quantities={"AAPL-USD": 1, "GOLD-USD": 1}, execution="market")
    assert report.outcome is Outcome.UNKNOWN
    assert bench.journal.runs()[0].state is RunState.OPEN
    assert bench.simulator.ledger.count("add_order") <= 1
    with pytest.raises(OutcomeUnknown):  # other targets must not be planned before it is settled
        hasty.run(quantities={"AAPL-USD": 3}, execution="market")
    bench.simulator.faults.clear()
    assert bench.run(quantities={"AAPL-USD": 1, "GOLD-USD": 1}, execution="market").outcome is Outcome.DONE
    states = [step.state for step in bench.journal.steps(bench.journal.runs()[0])]
    assert states == [StepState.NEVER_SENT, StepState.DONE, StepState.DONE]


def test_a_lost_reply_causes_no_second_order(bench: Bench) -> None:
    bench.simulator.faults.drop_before_reply("add_order")
    assert bench.run(quantities={"AAPL-USD": 1}, execution="market").outcome is Outcome.DONE
    assert bench.simulator.ledger.count("add_order") == 1
    assert bench.position("AAPL-USD") == 1


def test_ctrl_c_leaves_no_order_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> set[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("qfex.rebalance.tactics.Tactics._due", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bench.run(quantities={"AAPL-USD": 2}, limit_wait=60)
    assert bench.client.get_user_orders().orders == []
    monkeypatch.undo()
    assert bench.run(quantities={"AAPL-USD": 2}, limit_wait=60).outcome is Outcome.DONE


def test_the_filled_quantity_of_an_order_reported_in_parts_is_read_from_the_history(bench: Bench) -> None:
    executor = bench.rebalancer()._executor
    run = bench.journal.begin("p", "d", "market", bench.rebalancer().plan(Targets(**HALF)))
    (trade,) = bench.journal.plan_of(run).trades
    step = bench.journal.intend(run, trade, StepKind.MARKET, Decimal(3), None)
    order = bench.client.place_order("AAPL-USD", "BUY", 3, client_order_id=step.client_id, wait=True)
    assert order.quantity_filled == 3
    reported = attrs.evolve(
        order, quantity_remaining=Decimal(2)
    )  # the first partial fill of an IOC order, which already counts as done
    assert reported.is_done
    assert executor._note_order(step, reported).filled == 3
