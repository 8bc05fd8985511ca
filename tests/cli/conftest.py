"""Fixtures that run the program with a simulator, in this process or in another one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from qfex.cli.app import cli
from qfex.sim import Simulator

Run = Callable[..., Result]
SYMBOLS = ["AAPL-USD", "GOLD-USD"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the variables and files of the person who runs the tests."""
    for name in ("ENV", "PUBLIC_KEY", "SECRET_KEY", "JWT", "ACCOUNT_ID", "TRADE_URL", "MDS_URL", "REST_URL"):
        monkeypatch.delenv(f"QFEX_{name}", raising=False)
    monkeypatch.delenv("QFEX_CREDENTIALS_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def exchange() -> Iterator[Simulator]:
    """A simulator with a market maker and a manual clock."""
    with Simulator(symbols=SYMBOLS, clock="manual") as simulator:
        yield simulator
        assert simulator.ledger.errors == []


@pytest.fixture
def at_exchange(exchange: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The simulator `exchange`, named by environment variables."""
    for name, value in variables(exchange).items():
        monkeypatch.setenv(name, value)
    return exchange


def variables(simulator: Simulator) -> dict[str, str]:
    """The environment variables for using a simulator."""
    place, keys = simulator.environment, simulator.credentials
    return {
        "QFEX_ENV": "sim",
        "QFEX_TRADE_URL": place.trade_url,
        "QFEX_MDS_URL": place.market_data_url,
        "QFEX_REST_URL": place.rest_url,
        "QFEX_PUBLIC_KEY": keys.public_key,
        "QFEX_SECRET_KEY": keys.secret_key,
    }


@pytest.fixture
def run() -> Run:
    """Run a command line and return its output and exit code."""

    def run(*arguments: str, **options: Any) -> Result:
        result = CliRunner().invoke(cli, list(arguments), prog_name="qfex-sync", **options)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


Ask = Callable[..., Any]


@pytest.fixture
def ask(run: Run) -> Ask:
    """Run a command with ``--json``, require success, and return its result."""

    def ask(*arguments: str) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return ask
