"""Lesson 13: the rebalancer as a library.

Targets define the positions that the account should have. The rebalancer plans the trades and writes each step to a
journal before it sends the step. If it is killed at any moment, the next run finishes the plan without trading anything
twice. A second run in the same period does nothing. `qfex-sync rebalance` does the same as a command for cron.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from exchange import open_exchange

from qfex import RestClient, TradeClient
from qfex.rebalance import Journal, Progress, Rebalancer, Targets

targets = Targets(
    weights={"AAPL-USD": "0.20", "US500-USD": "-0.10"},  # shares of the account's equity
    quantities={"GOLD-USD": "1.5"},  # positions
    period="day",
    execution="limit-then-market",
    limit_wait=1.0,  # seconds that a limit order rests at the mark price before a market order trades the rest
    min_trade=50,  # in USD: smaller trades are not worth their fees
    max_turnover="0.5",  # at most half of the equity in each run
)


def show(progress: Progress) -> None:
    print(
        f"  {progress.symbol:<10} {progress.side:<4} {progress.filled} of {progress.quantity}  {progress.what}"
    )


with (
    TemporaryDirectory() as folder,
    open_exchange() as exchange,
    TradeClient(exchange.environment, exchange.credentials) as client,
    RestClient(exchange.environment, exchange.credentials) as rest,
    # This lesson deletes its journal. Keep a real one, because it makes the next run safe.
    Journal.of_account(
        Path(folder) / "journal.sqlite", exchange.environment, exchange.credentials
    ) as journal,
):
    rebalancer = Rebalancer(client, rest, journal, on_progress=show)
    plan = rebalancer.plan(targets)
    print(f"the plan, for an equity of {plan.equity}:")
    for trade in plan.trades:
        print(
            f"  {trade.symbol:<10} {trade.side:<4} {trade.quantity:<8} at about {trade.mark}  {trade.reason}"
        )

    print("the run:")
    report = rebalancer.run(targets)
    print(f"{report.outcome}, turnover {report.turnover:.2f}")
    for row in report.trades:
        print(
            f"  {row.symbol:<10} {row.before} -> {row.after}, {row.slippage_bps} bp worse than the mark price"
        )

    print("the second run:", rebalancer.run(targets).outcome)
    for symbol in targets.weights.keys() | targets.quantities.keys():
        client.close_position(symbol, wait=True)
