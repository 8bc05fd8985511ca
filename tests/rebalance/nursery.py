"""A process that bears rebalancers and kills them.

It imports everything once and forks for each run, so that hundreds of runs take seconds. It has no threads, which is
what makes forking safe. Reads one JSON object a line, answers each with one.
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

# On loopback nothing travels: what a killed process sent has arrived before its successor can ask.
GRACE = 0.03
PACE = Pace(answer=10.0, poll=0.05, retry=0.05, twap_grace=GRACE)
OUTCOMES = list(Outcome)


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(bear(order)), flush=True)


def bear(order: dict[str, Any]) -> dict[str, Any]:
    """Run one rebalancer in a child, and perhaps kill it after a while."""
    child = os.fork()
    if child == 0:
        live(order)
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


def live(order: dict[str, Any]) -> None:
    """The child's life: one rebalancing, its outcome as the exit code."""
    code = 99
    try:
        resolving.NOT_FOUND_GRACE = GRACE
        if order.get("fatal_point"):
            die_at(order["fatal_point"])
        code = OUTCOMES.index(rebalance(order))
    except BaseException as error:  # noqa: BLE001 - a forked child may not return into its parent's code
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def rebalance(order: dict[str, Any]) -> Outcome:
    """One rebalancing."""
    environment = Environment(*order["environment"])
    keys = HmacCredentials(*order["keys"])
    with (
        TradeClient(environment, keys) as client,
        RestClient(environment, keys) as rest,
        Journal.of_account(order["journal"], environment, keys) as journal,
    ):
        return Rebalancer(client, rest, journal, pace=PACE).run(Targets(**order["targets"])).outcome


def die_at(fatal_point: int) -> None:
    """Have the process killed at its n-th dangerous moment: before or after a frame leaves, or after a commit."""
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
