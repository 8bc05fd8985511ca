"""The program as a separate process: the simulator, the doctor, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qfex.cli.doctor import Verdict, judged_skew
from qfex.sim import Simulator

from .conftest import Ask, Run, variables

PROGRAM = [sys.executable, "-m", "qfex.cli"]
PATIENCE = 30.0  # seconds


@contextmanager
def started(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program in another process, which is killed afterwards."""
    environment = {**os.environ, **variables}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*PROGRAM, *arguments], env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def test_commands_can_use_a_simulator_in_another_process() -> None:
    with started("sim", "--symbols", "AAPL-USD", "--json") as simulator:
        assert simulator.stdout is not None
        where = json.loads(simulator.stdout.readline())
        exported = {
            "QFEX_TRADE_URL": where["trade_url"],
            "QFEX_MDS_URL": where["market_data_url"],
            "QFEX_REST_URL": where["rest_url"],
            "QFEX_PUBLIC_KEY": where["public_key"],
            "QFEX_SECRET_KEY": where["secret_key"],
        }
        for command in (["order", "place", "AAPL-USD", "buy", "1", "--wait"], ["positions"]):
            with started("--env", "sim", *command, "--json", **exported) as process:
                output, errors = process.communicate(timeout=PATIENCE)
            assert (process.returncode, errors) == (0, "")
            assert "AAPL-USD" in output
        simulator.send_signal(signal.SIGINT)
        simulator.communicate(timeout=PATIENCE)
        assert simulator.returncode == 0


def test_a_command_can_start_its_own_simulator(run: Run) -> None:
    result = run("--env", "sim", "order", "place", "AAPL-USD", "buy", "1", "--wait")
    assert result.exit_code == 0 and "FILLED" in result.output


def test_ctrl_c_has_its_own_exit_code(exchange: Simulator) -> None:
    held = exchange.faults.hold_reply("get_user_orders")
    with started("orders", "--timeout", "25", **variables(exchange)) as process:
        while not held.count:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
    held.release()


def test_the_doctor_finds_nothing_wrong(ask: Ask, run: Run, at_exchange: Simulator) -> None:
    findings = {finding["check"]: finding for finding in ask("doctor")}
    assert {finding["verdict"] for finding in findings.values()} == {"fine"}
    assert {"clock", "REST", "trade gateway", "market data gateway", "permission to trade"} <= findings.keys()
    assert not [entry for entry in at_exchange.ledger.received if entry.command == "add_order"]
    assert "permission to trade" in run("doctor").output


def check(run: Run, name: str) -> dict[str, str]:
    result = run("doctor", "--json", "--timeout", "1")
    assert result.exit_code == 11
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert findings[name]["verdict"] == "broken" and findings[name]["advice"]
    return dict(findings[name])


def test_the_doctor_finds_wrong_keys(
    run: Run, at_exchange: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFEX_SECRET_KEY", "qfex_secret_wrong")
    assert "qfex_secret_wrong" not in str(check(run, "authentication"))


def test_the_doctor_finds_missing_keys(
    run: Run, at_exchange: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QFEX_PUBLIC_KEY")
    monkeypatch.delenv("QFEX_SECRET_KEY")
    check(run, "credentials")


def test_the_doctor_finds_a_missing_permission(
    run: Run, at_exchange: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = at_exchange.create_account(can_trade=False)
    monkeypatch.setenv("QFEX_PUBLIC_KEY", keys.public_key)
    monkeypatch.setenv("QFEX_SECRET_KEY", keys.secret_key)
    assert "execute orders" in check(run, "permission to trade")["advice"]


def test_the_doctor_finds_an_exchange_that_cannot_be_reached(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 1 of this machine: nothing listens there.
    for name, url in (
        ("TRADE", "ws://127.0.0.1:1/"),
        ("MDS", "ws://127.0.0.1:1/"),
        ("REST", "http://127.0.0.1:1"),
    ):
        monkeypatch.setenv(f"QFEX_{name}_URL", url)
    monkeypatch.setenv("QFEX_ENV", "sim")
    monkeypatch.setenv("QFEX_JWT", "a.b.c")
    for name in ("REST", "trade gateway", "market data gateway", "authentication"):
        check(run, name)


def test_the_doctor_finds_urls_that_would_expose_credentials(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFEX_TRADE_URL", "ws://trade.invalid/")
    assert "wss://" in check(run, "environment")["found"]


@pytest.mark.parametrize(
    ("skew", "verdict"),
    [
        (0.4, Verdict.FINE),
        (-4.9, Verdict.FINE),
        (6, Verdict.WARNING),
        (-59, Verdict.WARNING),
        (61, Verdict.BROKEN),
    ],
)
def test_the_doctor_judges_the_clock(skew: float, verdict: Verdict) -> None:
    finding = judged_skew(skew)
    assert finding.verdict is verdict
    assert ("NTP" in finding.advice) is (verdict is not Verdict.FINE)
    if verdict is not Verdict.FINE:
        assert ("ahead" in finding.found) is (skew > 0)


def test_the_program_says_what_to_install_if_a_library_is_missing() -> None:
    script = "import sys; sys.modules['click'] = None; from qfex.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 1 and "qfex-sync[cli]" in result.stderr
