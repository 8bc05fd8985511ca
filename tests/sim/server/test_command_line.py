"""The command line ``python -m qfex.sim``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import websocket

from qfex.credentials import HmacCredentials
from qfex.sim.__main__ import _parser
from tests.sim.clients import TIMEOUT, RawClient, auth_message, order_message


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the simulator in a process of its own, and kill the process afterwards."""
    command = [sys.executable, "-m", "qfex.sim", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return the JSON object on the first line."""
    assert process.stdout is not None
    found: dict[str, str] = json.loads(process.stdout.readline())
    return found


def connect(where: dict[str, str]) -> RawClient:
    """Return a client that has authenticated and subscribed."""
    client = RawClient(where["trade_url"])
    keys = HmacCredentials(where["public_key"], where["secret_key"])
    client.ask(auth_message(keys))
    client.ask({"type": "subscribe", "params": {"channels": ["order_responses"]}})
    return client


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_line_is_json_and_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with running("--json", "--symbols", "AAPL-USD", "--seed", "7") as process:
        where = first_line(process)
        assert list(where) == ["trade_url", "market_data_url", "rest_url", "public_key", "secret_key"]
        client = connect(where)
        assert client.ask(order_message("BUY", 1, 330))["order_response"]["status"] == "ACK"
        process.send_signal(number)
        client.closed()
        out, errors = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, out, errors) == (0, "", "")


def test_a_seed_makes_the_same_keys() -> None:
    keys = []
    for _ in range(2):
        with running("--json", "--seed", "7", "--symbols", "AAPL-USD") as process:
            keys.append(first_line(process)["secret_key"])
    assert keys[0] == keys[1]


def test_the_text_output_lists_the_variables_to_export() -> None:
    with running("--symbols", "AAPL-USD") as process:
        assert process.stdout is not None
        exports = {}
        while "QFEX_SECRET_KEY" not in exports:
            line = process.stdout.readline()
            assert line
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
        assert list(exports) == [
            "QFEX_TRADE_URL",
            "QFEX_MDS_URL",
            "QFEX_REST_URL",
            "QFEX_PUBLIC_KEY",
            "QFEX_SECRET_KEY",
        ]
        assert exports["QFEX_TRADE_URL"].startswith("ws://127.0.0.1:")


def test_the_dialect_can_be_chosen() -> None:
    with running("--json", "--dialect", "documented", "--symbols", "AAPL-USD") as process:
        where = first_line(process)
        keys = HmacCredentials(where["public_key"], where["secret_key"])
        client = RawClient(where["trade_url"])
        assert client.ask(auth_message(keys)) == {"type": "auth", "result": "success"}


def test_clients_notice_that_the_process_was_killed() -> None:
    with running("--json", "--symbols", "AAPL-USD") as process:
        client = connect(first_line(process))
        process.kill()
        process.wait()
        with pytest.raises((websocket.WebSocketException, OSError)):
            for _ in range(2):
                client.ask(order_message("BUY", 1, 330))


@pytest.mark.parametrize("arguments", [["--dialect", "french"], ["--port", "http"], ["--speed", "fast"]])
def test_invalid_arguments_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--symbols", "NO-USD"], ["--speed", "0"]])
def test_errors_of_the_simulator_are_explained_without_a_traceback(arguments: list[str]) -> None:
    with running(*arguments) as process:
        out, errors = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, out) == (2, "")
        assert "Traceback" not in errors and "error:" in errors
