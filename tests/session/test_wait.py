"""Every wait ends by its answer or its deadline, whichever wake-up the system offers."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from qfex import threads
from qfex.protocol.trade.commands import CancelAllOrders
from qfex.session.connection import PendingRequest
from qfex.threads import Deadline, WaitList, new_wake_up, own_wake_up

PATIENCE = 10.0


def request() -> PendingRequest:
    return PendingRequest(CancelAllOrders(), waiting=WaitList())


@pytest.fixture(params=["best", "lock"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wake-up of this system, and the one that every system has."""
    if request.param == "lock":
        monkeypatch.setattr(threads, "new_wake_up", threads._LockWakeUp)
    monkeypatch.setattr(threads, "_owned", threading.local())


def test_a_wake_up_fired_before_the_wait_ends_it() -> None:
    wake_up = own_wake_up()
    wake_up.fire()
    wake_up.fire()
    wake_up.wait(None)


def test_a_wake_up_that_nobody_fires_times_out() -> None:
    wake_up = own_wake_up()
    wake_up.wait(0.01)
    wake_up.wait(0)


def test_a_thread_keeps_its_wake_up() -> None:
    assert own_wake_up() is own_wake_up()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(own_wake_up).result() is not own_wake_up()


def test_an_answered_request_is_not_waited_for() -> None:
    pending = request()
    pending.resolve(1)
    assert pending.answered and pending.wait(Deadline(0)) and pending.outcome == 1


def test_a_wait_ends_at_its_deadline_though_the_wake_up_fires_for_another_request() -> None:
    mine, other = request(), request()
    assert not other.wait(Deadline(0.01))
    other.resolve(None)  # fires the wake-up that this thread uses for all its waits
    assert not mine.wait(Deadline(0.02))


@pytest.mark.parametrize("timeout", [None, 2e6])
def test_every_waiting_thread_gets_its_answer(timeout: float | None) -> None:
    """Answers arrive before, while and after their callers begin to wait."""
    random = Random(1)
    requests = [request() for _ in range(2000)]
    begun = threading.Barrier(5)

    def wait_for_all() -> int:
        begun.wait(PATIENCE)
        return sum(pending.wait(Deadline(timeout)) for pending in requests)

    with ThreadPoolExecutor(4) as pool:
        counts = [pool.submit(wait_for_all) for _ in range(4)]
        begun.wait(PATIENCE)
        for pending in requests:
            if random.random() < 0.1:
                threading.Event().wait(0.0005)
            pending.resolve(True)
        assert [count.result(PATIENCE) for count in counts] == [2000] * 4


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="needs eventfd")
def test_without_file_descriptors_a_lock_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: int) -> int:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(os, "eventfd", none_left)
    wake_up = new_wake_up()
    wake_up.fire()
    wake_up.wait(None)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="reads /proc")
def test_wake_ups_end_with_their_threads() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for _ in range(50):
        thread = threading.Thread(target=lambda: own_wake_up().wait(0))
        thread.start()
        thread.join()
    assert descriptors() <= before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_its_own_wake_up() -> None:
    mine = own_wake_up()
    child = os.fork()
    if child == 0:
        os._exit(0 if own_wake_up() is not mine else 1)
    assert os.waitpid(child, 0)[1] == 0
