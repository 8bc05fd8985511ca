"""Charts of what the client does, measured on a simulator: ``python docs/tools/charts.py [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from matplotlib.figure import Figure

from qfex import (
    Channel,
    ConnectionState,
    OrderRequest,
    QfexError,
    RateLimitPolicy,
    ReconnectPolicy,
    TradeClient,
)
from qfex.sim import Simulator

IMAGES = Path(__file__).parent.parent / "images"
SYMBOL, PRICE = "AAPL-USD", "330.00"
BLUE, GREY, RED, GREEN = "#2f6db5", "#9aa5b1", "#c8503c", "#3a9a5b"


def main() -> None:
    """Draw every chart."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    rate_limit(folder / "rate_limit.png")
    outage(folder / "outage.png")


def rate_limit(path: Path) -> None:
    """Draw the orders that arrive at the exchange under a small budget."""
    policy = RateLimitPolicy(units_per_second=50, burst=100)
    request = OrderRequest(SYMBOL, "BUY", "0.1", PRICE)
    with (
        Simulator(symbols=[SYMBOL]) as sim,
        TradeClient(sim.environment, sim.credentials, rate_limit=policy) as client,
    ):
        client.place_orders([request] * 200, timeout=30)
        times = [entry.time for entry in sim.ledger.received if entry.command == "add_order"]
    seconds = [time - times[0] for time in times]
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    allowed = [policy.burst + policy.units_per_second * second for second in seconds]
    axes.plot(seconds, allowed, color=RED, alpha=0.3, linewidth=8, label="budget: 100, then 50 a second")
    axes.step(seconds, range(1, len(seconds) + 1), where="post", color=BLUE, label="orders that arrived")
    axes.set_xlabel("seconds")
    axes.set_ylabel("units of weight")
    axes.legend(frameon=False, loc="lower right")
    finish(figure, path)


def outage(path: Path) -> None:
    """Draw the duration of calls before, during and after an outage of two seconds."""
    with (
        Simulator(symbols=[SYMBOL]) as sim,
        TradeClient(sim.environment, sim.credentials, reconnect=ReconnectPolicy(0.2, 0.5)) as client,
        client.stream(Channel.CONNECTION) as connection,
    ):
        began = monotonic()
        calls: list[tuple[float, float, bool]] = []
        done = Event()
        worker = Thread(target=keep_calling, args=(client, calls, began, done))
        worker.start()
        done.wait(1.0)
        lost = monotonic() - began
        sim.faults.refuse_connections()
        sim.faults.drop_before_reply("add_order")  # an order is in flight when the connection breaks
        done.wait(2.0)
        sim.faults.accept_connections()
        while connection.get(10).state is not ConnectionState.READY:
            pass
        back = monotonic() - began
        done.wait(1.0)
        done.set()
        worker.join()
    draw_outage(calls, lost, back, path)


def keep_calling(
    client: TradeClient, calls: list[tuple[float, float, bool]], began: float, done: Event
) -> None:
    """Place an order every 50 ms; record when each call began, its duration, and whether it was answered."""
    while not done.wait(0.05):
        at = monotonic()
        try:
            client.place_order(SYMBOL, "BUY", "0.1", PRICE)
            answered = True
        except QfexError:
            answered = False
        calls.append((at - began, monotonic() - at, answered))


def draw_outage(calls: list[tuple[float, float, bool]], lost: float, back: float, path: Path) -> None:
    """Draw one dot for each call."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(lost, back, color=GREY, alpha=0.25, label="no connection")
    for answered, colour, label in ((True, GREEN, "answered"), (False, RED, "outcome unknown")):
        chosen = [(at, took) for at, took, was in calls if was is answered]
        axes.scatter([at for at, _ in chosen], [took for _, took in chosen], color=colour, s=18, label=label)
    waited = max(calls, key=lambda call: call[1])
    axes.annotate(
        "waited for the next connection", waited[:2], xytext=(8, -3), textcoords="offset points", fontsize=9
    )
    axes.set_yscale("log")
    axes.set_xlabel("seconds")
    axes.set_ylabel("duration of the call, seconds")
    axes.legend(frameon=False, loc="center right")
    finish(figure, path)


def finish(figure: Figure, path: Path) -> None:
    """Save a chart without frame lines on the sides that have no scale."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
