"""The tactics of execution, and the chart of a report."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from qfex import ConfigurationError, TradeClient
from qfex.rebalance import Outcome, Targets
from qfex.rebalance.chart import draw
from qfex.rebalance.records import StepKind

from .conftest import Bench


def test_a_filled_limit_order_needs_no_market_order(bench: Bench) -> None:
    other = bench.simulator.create_account()
    taken = bench.simulator.environment

    def take(progress: object) -> None:
        bench.progress.append(progress)  # type: ignore[arg-type]
        if len(bench.progress) == 1:
            with TradeClient(taken, other) as taker:
                taker.place_order("AAPL-USD", "SELL", 100, wait=True)

    report = bench.rebalancer(on_progress=take).run(Targets(quantities={"AAPL-USD": 2}, limit_wait=30))
    (execution,) = report.trades[0].executions
    assert (execution.kind, execution.filled) == (StepKind.LIMIT, 2)
    assert report.trades[0].slippage_bps is not None and report.trades[0].slippage_bps <= 0


def test_a_limit_order_that_rests_too_long_is_replaced_by_a_market_order(bench: Bench) -> None:
    report = bench.run(quantities={"AAPL-USD": 2})
    assert report.outcome is Outcome.DONE
    limit, market = report.trades[0].executions
    assert (limit.kind, limit.note, limit.filled) == (StepKind.LIMIT, "CANCELLED", 0)
    assert (market.kind, market.filled) == (StepKind.MARKET, 2)
    assert bench.simulator.ledger.count("cancel_order", limit.client_id) == 1


@pytest.mark.parametrize(("target", "price"), [("2", "339.55"), ("-2", "332.83")])
def test_market_orders_can_have_a_limit_for_slippage(bench: Bench, target: str, price: str) -> None:
    report = bench.run(quantities={"AAPL-USD": target}, execution="market", max_slippage="0.01")
    assert report.outcome is Outcome.DONE
    (sent,) = [entry.params for entry in bench.simulator.ledger.received if entry.command == "add_order"]
    assert (sent["order_type"], sent["order_time_in_force"]) == ("LIMIT", "IOC")
    assert sent["price"] == Decimal(price)  # one percent from 336.19, rounded to the tick on the safe side


def test_a_run_that_exceeds_the_slippage_limit_is_partial(bench: Bench) -> None:
    report = bench.run(quantities={"AAPL-USD": 2}, execution="market", max_slippage="0")
    assert report.outcome is Outcome.PARTIAL and bench.position("AAPL-USD") == 0


def test_large_trades_are_split_into_orders_that_the_exchange_accepts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    instruments = bench.rest.instruments()
    small = {symbol: attrs.evolve(each, max_quantity=Decimal(3)) for symbol, each in instruments.items()}
    monkeypatch.setattr(bench.rest, "instruments", lambda: small)
    report = bench.run(quantities={"AAPL-USD": 8}, execution="market")
    assert [each.filled for each in report.trades[0].executions] == [3, 3, 2]


def test_a_twap_is_followed_to_its_end(new_bench: type[Bench]) -> None:
    bench = new_bench(clock="real", speed=300.0)
    report = bench.run(quantities={"AAPL-USD": 2, "GOLD-USD": -1}, execution="twap", twap_orders=3)
    assert report.outcome is Outcome.DONE
    for trade in report.trades:
        (execution,) = trade.executions
        assert execution.kind is StepKind.TWAP and execution.average_price
    assert len({progress.filled for progress in bench.progress if progress.symbol == "AAPL-USD"}) > 1


def test_the_rest_of_a_cancelled_twap_is_traded_with_a_market_order(bench: Bench) -> None:
    def cancel(progress: object) -> None:
        if not bench.progress:
            bench.progress.append(progress)  # type: ignore[arg-type]
            (twap,) = bench.client.get_user_orders().twaps
            bench.client.cancel_twap(twap)

    report = bench.rebalancer(on_progress=cancel).run(Targets(quantities={"AAPL-USD": 4}, execution="twap"))
    twap, market = report.trades[0].executions
    assert (twap.kind, market.kind) == (StepKind.TWAP, StepKind.MARKET)
    assert 0 < twap.filled < 4 and twap.filled + market.filled == 4 and bench.position("AAPL-USD") == 4


def test_a_trade_that_is_too_small_for_a_twap_is_a_market_order(bench: Bench) -> None:
    report = bench.run(quantities={"AAPL-USD": "0.015"}, execution="twap")
    (execution,) = report.trades[0].executions
    assert execution.kind is StepKind.MARKET


def test_a_chart_of_a_report_is_saved(bench: Bench, tmp_path: Path) -> None:
    report = bench.run(quantities={"AAPL-USD": 50_000, "GOLD-USD": 1})
    draw(report, tmp_path / "report.png")
    picture = (tmp_path / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 10_000
    nothing = bench.run(quantities={"GOLD-USD": 1, "AAPL-USD": 0})
    draw(nothing, tmp_path / "nothing.png")


def test_the_error_without_matplotlib_says_what_to_install(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = bench.run(quantities={"GOLD-USD": 1}, execution="market")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigurationError, match=r"qfex-sync\[charts\]"):
        draw(report, tmp_path / "report.png")
