"""The simulated clock."""

from __future__ import annotations

from qfex.sim.engine import Exchange
from qfex.sim.gateway.clock import Clock

from .helpers import NOON


def made() -> tuple[Exchange, Clock]:
    """Return a clock without actions."""
    exchange = Exchange([], start=NOON, liquidity=False)
    return exchange, Clock(exchange)


def test_actions_and_engine_timers_run_in_order_of_time() -> None:
    exchange, clock = made()
    seen: list[tuple[str, float]] = []
    clock.after(3, lambda: seen.append(("late", clock.now - NOON)))
    exchange.at(NOON + 2, lambda: seen.append(("engine", exchange.now - NOON)))
    clock.every(2.5, lambda: seen.append(("pulse", clock.now - NOON)))
    clock.after(1, lambda: seen.append(("early", clock.now - NOON)))
    clock.advance(5)
    assert seen == [("early", 1.0), ("engine", 2.0), ("pulse", 2.5), ("late", 3.0), ("pulse", 5.0)]
    assert clock.now == exchange.now == NOON + 5


def test_a_cancelled_timer_does_not_run() -> None:
    _, clock = made()
    seen: list[int] = []
    timer = clock.every(1, lambda: seen.append(1))
    clock.advance(2)
    timer.cancel()
    clock.advance(2)
    assert seen == [1, 1]


def test_an_action_may_cancel_itself_and_schedule_others() -> None:
    _, clock = made()
    seen: list[float] = []

    def once() -> None:
        timer.cancel()
        clock.after(0.5, lambda: seen.append(clock.now - NOON))

    timer = clock.every(1, once)
    clock.advance(4)
    assert seen == [1.5]


def test_a_long_jump_runs_periodic_actions_after_engine_timers_and_at_its_end() -> None:
    exchange, clock = made()
    pulses: list[float] = []
    clock.every(1, lambda: pulses.append(clock.now - NOON))
    exchange.at(NOON + 500.5, lambda: None)
    clock.advance(1_000)
    assert pulses[0] == 1.0
    assert 501.0 in pulses
    assert pulses[-1] == 1_000.0
    assert len(pulses) < 40


def test_the_next_due_is_the_earliest_of_all() -> None:
    exchange = Exchange([], start=NOON, liquidity=False)
    clock = Clock(exchange)
    engine_due = exchange.next_due()
    clock.after(0.25, lambda: None)
    assert clock.next_due() == NOON + 0.25
    clock.advance(1)
    assert clock.next_due() == engine_due
