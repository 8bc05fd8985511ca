"""Output that fails, and signals that end a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qfex.sim import Simulator

PROGRAM = f"{sys.executable} -m qfex.cli"
PLACE = f"{PROGRAM} order place AAPL-USD BUY 0.5 330.00"
REFUSED = f"{PROGRAM} order place AAPL-USD BUY 0.5 1.00"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"{PLACE} > /dev/full", 0),
        (f"{PLACE} --json > /dev/full", 0),
        (f"{PLACE} >&-", 0),
        (f"{PLACE} | true; exit ${{PIPESTATUS[0]}}", 0),
        (f"PYTHONIOENCODING=ascii {PLACE} --client-order-id caf\u00e9", 0),
        (f"{REFUSED} 2> /dev/full", 3),
        (f"{REFUSED} 2>&- >&-", 3),
    ],
)
def test_a_failure_of_output_does_not_change_the_exit_code(
    at_exchange: Simulator, command: str, code: int
) -> None:
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr
    assert at_exchange.ledger.count("add_order") == 1


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_rebalancing_without_an_order_left(
    at_exchange: Simulator, tmp_path: Path, number: str, code: int
) -> None:
    targets = tmp_path / "targets.toml"
    targets.write_text("[quantities]\nAAPL-USD = 10\n[limit]\nwait = 60\n")
    with subprocess.Popen(
        [sys.executable, "-m", "qfex.cli", "rebalance", str(targets)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stderr is not None and b"limit live" in program.stderr.readline()
        program.send_signal(getattr(signal, number))
        program.communicate(timeout=20)
    assert program.returncode == code
    assert at_exchange.ledger.count("cancel_order") == 1


def test_a_usage_error_is_json_on_request(at_exchange: Simulator) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qfex.cli", "--json", "positons"], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith(b'{"error": "')
