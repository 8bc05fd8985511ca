"""Runs of the rebalancer: their outcomes, and how they continue earlier runs."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from qfex import Side, TradeClient, ValidationError
from qfex.errors import OutcomeUnknown, RestError
from qfex.models.instruments import InstrumentStatus
from qfex.rebalance import Journal, Outcome, Plan, Targets
from qfex.rebalance.identity import period_label
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
    monkeypatch.setattr("qfex.rebalance.rebalancer.Rebalancer._end_open_steps", lambda *_: None)
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


def test_a_target_that_cannot_be_traded_now_is_traded_later_in_the_same_period(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = bench.rest.instruments()
    halted = {**known, "AAPL-USD": attrs.evolve(known["AAPL-USD"], status=InstrumentStatus.INACTIVE)}
    monkeypatch.setattr(bench.rest, "instruments", lambda: halted)
    report = bench.run(quantities={"AAPL-USD": 1, "GOLD-USD": 1}, execution="market")
    assert report.outcome is Outcome.PARTIAL and bench.position("GOLD-USD") == 1
    assert report.unmet == {"AAPL-USD": "the instrument is INACTIVE"}
    states = {trade.symbol: (trade.state, trade.reason) for trade in report.trades}
    assert states["AAPL-USD"] == (Outcome.PARTIAL, "the instrument is INACTIVE")
    assert bench.run(quantities={"AAPL-USD": 1, "GOLD-USD": 1}, execution="market").outcome is Outcome.PARTIAL
    monkeypatch.setattr(bench.rest, "instruments", lambda: known)
    assert bench.run(quantities={"AAPL-USD": 1, "GOLD-USD": 1}, execution="market").outcome is Outcome.DONE
    assert bench.position("AAPL-USD") == bench.position("GOLD-USD") == 1


def test_a_turnover_limit_needs_several_runs_in_the_same_period(bench: Bench) -> None:
    targets = {"weights": {"AAPL-USD": "0.5"}, "max_turnover": "0.3", "execution": "market"}
    assert bench.run(**targets).outcome is Outcome.PARTIAL
    assert bench.run(**targets).outcome is Outcome.DONE
    assert bench.run(**targets).outcome is Outcome.NOTHING_TO_DO


@pytest.mark.parametrize("traded_by_hand", ["6", "3", "-1", "9"])
def test_a_run_whose_positions_were_traded_by_hand_is_planned_again(
    new_bench: type[Bench], traded_by_hand: str
) -> None:
    bench = new_bench(liquidity=False)
    with TradeClient(bench.simulator.environment, bench.simulator.create_account()) as maker:
        maker.place_order("AAPL-USD", "SELL", "4", "336.20")
        assert bench.run(quantities={"AAPL-USD": 10}, execution="market").outcome is Outcome.PARTIAL
        maker.place_order("AAPL-USD", "SELL", "50", "336.20")
        maker.place_order("AAPL-USD", "BUY", "50", "336.00")
        side = "SELL" if traded_by_hand.startswith("-") else "BUY"
        bench.client.place_order("AAPL-USD", side, traded_by_hand.lstrip("-"), wait=True)
        report = bench.run(quantities={"AAPL-USD": 10}, execution="market")
    assert bench.position("AAPL-USD") == 10
    assert report.outcome is (Outcome.NOTHING_TO_DO if traded_by_hand == "6" else Outcome.DONE)
    assert bench.journal.runs()[0].state is RunState.SUPERSEDED


def test_again_forgets_the_plan_of_a_partial_run(new_bench: type[Bench]) -> None:
    bench = new_bench(liquidity=False)
    with TradeClient(bench.simulator.environment, bench.simulator.create_account()) as maker:
        maker.place_order("AAPL-USD", "SELL", "4", "336.20")
        assert bench.run(quantities={"AAPL-USD": 10}, execution="market").outcome is Outcome.PARTIAL
        maker.place_order("AAPL-USD", "SELL", "50", "336.20")
        report = bench.run(quantities={"AAPL-USD": 10}, execution="market", again=True)
    assert (report.trades[0].before, report.trades[0].planned) == (4, 6)
    assert bench.position("AAPL-USD") == 10


def test_targets_that_return_to_those_of_the_morning_are_traded_again(bench: Bench) -> None:
    for size in (3, 1, 3):
        assert bench.run(quantities={"AAPL-USD": size}, execution="market").outcome is Outcome.DONE
        assert bench.position("AAPL-USD") == size
    assert bench.run(quantities={"AAPL-USD": 3}, execution="market").outcome is Outcome.NOTHING_TO_DO


def test_a_run_of_other_symbols_leaves_a_finished_run_finished(bench: Bench) -> None:
    bench.run(quantities={"AAPL-USD": 1}, execution="market")
    bench.run(quantities={"GOLD-USD": 1}, execution="market")
    bench.client.close_position("AAPL-USD", wait=True)
    assert bench.run(quantities={"AAPL-USD": 1}, execution="market").outcome is Outcome.NOTHING_TO_DO


def test_a_journal_restored_from_a_backup_trades_nothing_twice(bench: Bench, tmp_path: Path) -> None:
    targets = {"quantities": {"AAPL-USD": 2}, "execution": "market"}
    plan = bench.rebalancer().plan(Targets(**targets, limit_wait=0.2))
    period = period_label("day", datetime.now(timezone.utc))
    bench.journal.begin(period, Targets(**targets, limit_wait=0.2).digest, "market", plan)
    backup = bench.journal.path.with_name("backup.sqlite")
    with sqlite3.connect(backup) as copy:
        bench.journal._db.backup(copy)
    copy.close()
    assert bench.run(**targets).outcome is Outcome.DONE
    place, keys = bench.simulator.environment, bench.simulator.credentials
    with Journal.of_account(backup, place, keys) as restored:
        report = attrs.evolve(bench, journal=restored).run(**targets)
    assert report.outcome is Outcome.NOTHING_TO_DO and bench.position("AAPL-USD") == 2
    assert bench.simulator.ledger.count("add_order") == 1


def test_a_progress_callback_that_raises_leaves_no_order_behind(bench: Bench) -> None:
    def fail(progress: object) -> None:
        raise BrokenPipeError("nobody reads this")

    with pytest.raises(BrokenPipeError):
        bench.rebalancer(on_progress=fail).run(Targets(quantities={"AAPL-USD": 2}, limit_wait=60))
    assert bench.client.get_user_orders().orders == []
    (run,) = bench.journal.runs()
    assert run.state is RunState.OPEN
    assert any("the run ends early: BrokenPipeError" in event.what for event in bench.journal.events(run))


def test_a_full_disk_leaves_no_order_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    def fill_the_disk(progress: object) -> None:
        monkeypatch.setattr(Journal, "_insert", fail)

    rebalancer = bench.rebalancer(on_progress=fill_the_disk)
    report = rebalancer.run(Targets(quantities={"AAPL-USD": 2}, limit_wait=0.3))
    assert report.outcome is Outcome.UNKNOWN and "disk is full" in report.problem
    assert bench.client.get_user_orders().orders == []


def test_a_run_that_loses_its_connection_after_a_trade_reports_what_it_has_traded(bench: Bench) -> None:
    def cut(progress: object) -> None:
        bench.simulator.faults.refuse_connections()
        bench.simulator.faults.drop_now()

    hasty = attrs.evolve(bench, pace=attrs.evolve(bench.pace, answer=0.5))
    rebalancer = hasty.rebalancer(on_progress=cut)
    report = rebalancer.run(Targets(quantities={"AAPL-USD": 1, "GOLD-USD": 1}, execution="market"))
    assert report.outcome in (Outcome.PARTIAL, Outcome.UNKNOWN) and report.problem
    assert sum(trade.achieved for trade in report.trades) == 1


def test_a_report_whose_positions_cannot_be_read_is_still_a_report(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bench.rest.positions

    def fail_after_trading() -> object:
        if bench.simulator.ledger.count("add_order"):
            raise RestError(503, "Service Unavailable", "maintenance")
        return real()

    monkeypatch.setattr(bench.rest, "positions", fail_after_trading)
    report = bench.run(quantities={"AAPL-USD": 1}, execution="market")
    assert report.outcome is Outcome.DONE and report.trades[0].after is None


def test_a_moment_without_a_time_zone_is_refused(bench: Bench) -> None:
    with pytest.raises(ValidationError, match="time zone"):
        bench.rebalancer(now=lambda: datetime(2026, 1, 1)).run(Targets(**HALF))
    assert bench.simulator.ledger.count("add_order") == 0
