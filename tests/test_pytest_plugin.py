"""The fixtures for the tests of users' programs."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT = 60  # seconds

USERS_TESTS = """
import pytest

def test_an_order_is_filled(qfex_client, qfex_simulator):
    order = qfex_client.place_order("AAPL-USD", "BUY", "0.5", client_order_id="mine", wait=True)
    assert order.is_done and qfex_simulator.ledger.count("add_order", "mine") == 1

def test_each_test_has_an_exchange_of_its_own(qfex_simulator):
    assert qfex_simulator.ledger.count("add_order", "mine") == 0

@pytest.mark.qfex_simulator(clock="manual", symbols=["AAPL-USD", "GOLD-USD"])
class TestOptions:
    def test_options_are_those_of_the_class(self, qfex_simulator):
        before = qfex_simulator.now
        qfex_simulator.advance(60)
        assert qfex_simulator.now - before == 60

    @pytest.mark.qfex_simulator(symbols=["AAPL-USD"])
    def test_and_of_the_test(self, qfex_simulator, qfex_client):
        qfex_simulator.advance(60)
"""


def run_tests(folder: Path, text: str, *options: str) -> str:
    (folder / "test_users.py").write_text(text, "utf-8")
    plugin = ["-p", "no:qfex", "-p", "qfex.pytest_plugin"]  # with and without the installed entry point
    command = [
        sys.executable,
        "-m",
        "pytest",
        *plugin,
        "-p",
        "no:cacheprovider",
        "--strict-markers",
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    return ended.stdout + ended.stderr


def test_a_users_tests_get_an_exchange_and_a_client(tmp_path: Path) -> None:
    printed = run_tests(tmp_path, USERS_TESTS, "-W", "error")
    assert "4 passed" in printed, printed


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    text = "import sys\nsys.modules['aiohttp'] = None\ndef test_it(qfex_simulator): pass\n"
    printed = run_tests(tmp_path, text)
    assert "pip install 'qfex-sync[sim]'" in printed and "1 error" in printed, printed


def test_the_plugin_imports_neither_the_simulator_nor_a_client_before_a_test_asks_for_one(
    tmp_path: Path,
) -> None:
    text = (
        "import sys\ndef test_it(): assert 'qfex.sim' not in sys.modules and 'aiohttp' not in sys.modules\n"
    )
    assert "1 passed" in run_tests(tmp_path, text)


def test_pytest_finds_the_plugin() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    assert setup["options.entry_points"]["pytest11"].split() == ["qfex", "=", "qfex.pytest_plugin"]
