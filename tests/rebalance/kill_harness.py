"""A process that runs rebalancers in child processes and kills them.

It imports everything once and forks for each run, so that hundreds of runs take only seconds. Forking is safe because
the process has no threads. It reads one JSON object from each line of stdin and answers it with another one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

from qfex import Environment, HmacCredentials, RestClient, TradeClient
from qfex.net.transport import Transport
from qfex.rebalance import Journal, Outcome, Pace, Rebalancer, Targets
from qfex.workflows import resolve as resolving

# On loopback, what a killed process has sent arrives before the next process can ask for it.
GRACE = 0.03
PACE = Pace(answer=10.0, poll=0.05, retry=0.05, twap_grace=GRACE)
OUTCOMES = list(Outcome)


def main() -> None:
    """Run rebalancers until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(run_in_child(order)), flush=True)


def run_in_child(order: dict[str, Any]) -> dict[str, Any]:
    """Run one rebalancer in a child process, and kill it after ``seconds``, if given."""
    child = os.fork()
    if child == 0:
        run_and_exit(order)
    handle = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([handle], [], [], order.get("seconds"))
        if not ended:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(handle)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {"killed": killed, "code": None if killed else os.waitstatus_to_exitcode(status)}


def run_and_exit(order: dict[str, Any]) -> None:
    """Run one rebalancer in this child process, and exit with its outcome as the exit code."""
    code = 99
    try:
        resolving.NOT_FOUND_GRACE = GRACE
        if order.get("fatal_point"):
            kill_at(order["fatal_point"])
        code = OUTCOMES.index(rebalance(order))
    except BaseException as error:  # noqa: BLE001 - a forked child must not return into the code of its parent
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def rebalance(order: dict[str, Any]) -> Outcome:
    """Run one rebalancer."""
    environment = Environment(*order["environment"])
    keys = HmacCredentials(*order["keys"])
    with (
        TradeClient(environment, keys) as client,
        RestClient(environment, keys) as rest,
        Journal.of_account(order["journal"], environment, keys) as journal,
    ):
        return Rebalancer(client, rest, journal, pace=PACE).run(Targets(**order["targets"])).outcome


def kill_at(fatal_point: int) -> None:
    """Kill this process at its n-th dangerous point: before or after it sends a frame or changes the journal."""
    passed = 0

    def point() -> None:
        nonlocal passed
        passed += 1
        if passed == fatal_point:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            point()
            result = method(*args, **options)
            point()
            return result

        return wrapped

    Transport.write = around(Transport.write)  # type: ignore[method-assign]
    for name in ("begin", "intend", "settle", "finish"):
        setattr(Journal, name, around(getattr(Journal, name)))


if __name__ == "__main__":
    main()
