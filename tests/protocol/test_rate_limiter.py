"""The message budget: never more than the exchange allows, and no wait that cannot succeed."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import NotConnected, RateLimitPolicy, RequestTimeout, threads
from qfex.session import rate_limit
from qfex.session.rate_limit import RateLimiter, TokenBucket, shared_limiter
from qfex.threads import Deadline

ALLOWED, WINDOW = 12_000, 60.0  # the exchange's own figures


class Clock:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now += seconds
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rate_limit, "monotonic", made)
    monkeypatch.setattr(threads, "monotonic", made)
    return made


def acquire(
    limiter: RateLimiter, clock: Clock, weight: float, bucket: str = "general", timeout: float | None = None
) -> None:
    limiter.acquire(weight, bucket, Deadline(timeout), clock)  # type: ignore[arg-type]


POLICY = RateLimitPolicy(units_per_second=10, burst=20)


def test_a_burst_goes_at_once_and_then_the_refill_sets_the_pace(clock: Clock) -> None:
    limiter = RateLimiter(POLICY)
    for _ in range(20):
        acquire(limiter, clock, 1)
    assert clock.waited == []
    acquire(limiter, clock, 1)
    acquire(limiter, clock, 5)
    assert clock.waited == pytest.approx([0.1, 0.5])


def test_unused_budget_is_saved_up_to_the_burst(clock: Clock) -> None:
    limiter = RateLimiter(POLICY)
    acquire(limiter, clock, 20)
    clock.now += 1
    acquire(limiter, clock, 10)
    clock.now += 1000
    acquire(limiter, clock, 20)
    assert clock.waited == []
    acquire(limiter, clock, 0.1)
    assert clock.waited == pytest.approx([0.01])


def test_waiting_callers_are_served_one_after_the_other(clock: Clock) -> None:
    bucket = TokenBucket(POLICY)
    waits = [bucket.reserve(5, Deadline(None)) for _ in range(7)]
    assert waits == pytest.approx([0, 0, 0, 0, 0.5, 1.0, 1.5])


def test_a_wait_that_would_outlast_the_deadline_is_refused_at_once_and_takes_nothing(clock: Clock) -> None:
    limiter = RateLimiter(POLICY)
    acquire(limiter, clock, 20)
    for _ in range(3):
        with pytest.raises(RequestTimeout) as refused:
            acquire(limiter, clock, 5, timeout=0.4)
        assert refused.value.sent is False
    assert clock.waited == []
    acquire(limiter, clock, 5, timeout=0.6)
    assert clock.waited == pytest.approx([0.5])


def test_cancels_never_wait_for_orders(clock: Clock) -> None:
    limiter = RateLimiter(POLICY)
    acquire(limiter, clock, 20)
    limiter.pause("general", 30.0)
    acquire(limiter, clock, 20, "cancel")
    assert clock.waited == []


@pytest.mark.parametrize("seconds, waited", [(2.5, 2.5), (None, POLICY.retry_after)])
def test_a_pause_that_the_exchange_asks_for_is_kept(
    clock: Clock, seconds: float | None, waited: float
) -> None:
    limiter = RateLimiter(POLICY)
    limiter.pause("general", seconds)
    acquire(limiter, clock, 1)
    assert sum(clock.waited) == pytest.approx(waited + 0.1)


def test_a_pause_shortens_no_longer_one(clock: Clock) -> None:
    limiter = RateLimiter(POLICY)
    limiter.pause("general", 10.0)
    limiter.pause("general", 1.0)
    with pytest.raises(RequestTimeout):
        acquire(limiter, clock, 1, timeout=9.0)


@pytest.mark.parametrize("busy, idle", [("general", "cancel"), ("cancel", "general")])
def test_a_pause_for_an_unnamed_bucket_is_for_the_emptier_one(clock: Clock, busy: str, idle: str) -> None:
    limiter = RateLimiter(POLICY)
    acquire(limiter, clock, 1, busy)
    limiter.pause(None, 30.0)
    acquire(limiter, clock, 20, idle)
    assert clock.waited == []
    with pytest.raises(RequestTimeout):
        acquire(limiter, clock, 1, busy, timeout=30.0)


def test_a_pause_for_an_unnamed_bucket_while_nothing_was_sent_is_not_for_cancels(clock: Clock) -> None:
    limiter = RateLimiter(POLICY)
    limiter.pause(None, 30.0)
    acquire(limiter, clock, 20, "cancel")
    assert clock.waited == []


def test_closing_ends_a_wait_and_lets_nothing_go() -> None:
    limiter = RateLimiter(RateLimitPolicy(units_per_second=0.001, burst=5))
    limiter.acquire(5, "general", Deadline(None), threading.Event())
    closing = threading.Event()
    closing.set()
    with pytest.raises(NotConnected):
        limiter.acquire(1, "general", Deadline(None), closing)  # would be a quarter of an hour


WEIGHTS = st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0])


@given(st.lists(st.tuples(WEIGHTS, st.floats(0, 20)), min_size=1, max_size=60))
def test_no_window_ever_holds_more_than_its_share(steps: list[tuple[float, float]]) -> None:
    clock, sent = Clock(), list[tuple[float, float]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limit, "monotonic", clock)
        bucket = TokenBucket(POLICY)
        for weight, pause in steps:
            clock.now += pause / 10
            wait = bucket.reserve(weight, Deadline(None))
            assert wait is not None
            sent.append((clock.now + wait, weight))
    for start, _ in sent:
        within = sum(weight for moment, weight in sent if start <= moment <= start + 5)
        assert within <= POLICY.burst + 5 * POLICY.units_per_second + 1e-6


def test_the_defaults_stay_within_the_exchanges_budget() -> None:
    policy = RateLimitPolicy()
    assert policy.burst + WINDOW * policy.units_per_second <= ALLOWED
    assert policy.burst + WINDOW * policy.units_per_second > 0.95 * ALLOWED


@pytest.mark.parametrize(
    "bad", [{"units_per_second": 0}, {"units_per_second": -1}, {"burst": 4}, {"retry_after": -1}]
)
def test_a_policy_that_could_never_send_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        RateLimitPolicy(**bad)


def test_all_clients_of_an_account_share_one_budget() -> None:
    one = shared_limiter(("url", "account 1"), POLICY)
    assert shared_limiter(("url", "account 1"), POLICY) is one
    assert shared_limiter(("url", "account 2"), POLICY) is not one
    assert shared_limiter(("url", "account 1"), RateLimitPolicy()) is not one
    assert shared_limiter(("url", "account 1"), None) is None


def test_threads_together_get_no_more_than_the_burst(clock: Clock) -> None:
    bucket, granted = TokenBucket(RateLimitPolicy(units_per_second=1, burst=100)), list[float | None]()
    threads = [
        threading.Thread(target=lambda: granted.extend(bucket.reserve(1, None) for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 200 and granted.count(0.0) == 100 and granted.count(None) == 100
