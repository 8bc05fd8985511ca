"""Every outcome of a command has an exit code, and every error is explained on stderr."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qfex import errors
from qfex.cli.app import cli
from qfex.cli.exit_codes import MEANINGS, ExitCode, exit_code_of
from qfex.enums import ErrorCode
from qfex.sim import Simulator
from qfex.statuses import OrderStatus

from .conftest import Run

BY_ERROR: list[tuple[BaseException, ExitCode]] = [
    (errors.ValidationError("quantity", 0, "must be above zero"), ExitCode.USAGE),
    (errors.ConfigurationError("no keys"), ExitCode.USAGE),
    (errors.OrderRejected(OrderStatus.FAILED_MARGIN_CHECK), ExitCode.REFUSED),
    (errors.InvalidOrder(ErrorCode.INVALID_ORDER), ExitCode.REFUSED),
    (errors.RateLimited(ErrorCode.RATE_LIMITED), ExitCode.REFUSED),
    (errors.RestError(422), ExitCode.REFUSED),
    (errors.RestError(401), ExitCode.AUTHENTICATION),
    (errors.RestError(403), ExitCode.AUTHENTICATION),
    (errors.PermissionDenied(ErrorCode.PERMISSION_DENIED), ExitCode.AUTHENTICATION),
    (errors.AuthenticationError("bad keys"), ExitCode.AUTHENTICATION),
    (errors.OutcomeUnknown("add_order", "timeout"), ExitCode.UNKNOWN),
    (errors.RequestTimeout("late", sent=True), ExitCode.NO_ANSWER),
    (errors.RequestTimeout("late", sent=False), ExitCode.NOT_SENT),
    (errors.NotConnected("closed"), ExitCode.NOT_SENT),
    (errors.ConnectionLost("reset"), ExitCode.NOT_SENT),
    (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    (errors.QfexError("something else"), ExitCode.FAILED),
]


@pytest.mark.parametrize(
    ("error", "code"), BY_ERROR, ids=lambda value: getattr(value, "name", type(value).__name__)
)
def test_each_error_has_its_exit_code(error: BaseException, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_the_help_explains_every_exit_code(run: Run) -> None:
    words = " ".join(run("--help").output.split())
    assert set(MEANINGS) == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert f"{int(code)} {meaning}" in words


def commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command that is not a group."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        inner = (*path, name)
        found += commands(command, inner) if hasattr(command, "commands") else [inner]
    return found


@pytest.mark.parametrize(
    "path", [path for path in commands(cli) if path not in (("sim",), ("demo",))], ids=" ".join
)
def test_every_command_has_a_help_text_and_a_json_option(run: Run, path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "--json" in result.output and "--env" in result.output


@pytest.mark.usefixtures("at_exchange")
class TestWithTheSimulator:
    """Exit codes of commands that the simulator answers, refuses or ignores."""

    def test_refused(self, run: Run) -> None:
        result = run("order", "cancel", "AAPL-USD", "00000000-0000-4000-8000-000000000000", "--json")
        printed = json.loads(result.stderr)
        assert result.exit_code == printed["exit_code"] == 3
        assert (printed["error"], printed["status"], result.stdout) == ("OrderRejected", "NO_SUCH_ORDER", "")

    def test_wrong_usage(self, run: Run) -> None:
        assert run("order", "place", "AAPL-USD", "buy", "nothing").exit_code == 2
        assert run("order", "place", "AAPL-USD", "hold", "1").exit_code == 2
        assert run("no-such-command").exit_code == 2

    def test_outcome_unknown(self, run: Run, at_exchange: Simulator) -> None:
        at_exchange.faults.swallow_reply("add_order")
        arguments = ("order", "place", "AAPL-USD", "buy", "1", "330", "--client-order-id", "the-lost-one-00")
        result = run(*arguments, "--timeout", "0.5", "--json")
        printed = json.loads(result.stderr)
        assert result.exit_code == 4
        assert (printed["error"], printed["client_order_id"]) == ("OutcomeUnknown", "the-lost-one-00")
        assert json.loads(run("resolve", "AAPL-USD", "the-lost-one-00", "--json").stdout)["status"] == "ACK"

    def test_an_unknown_outcome_comes_with_advice(self, run: Run, at_exchange: Simulator) -> None:
        at_exchange.faults.swallow_reply("add_order")
        result = run("order", "place", "AAPL-USD", "buy", "1", "330", "--timeout", "0.3")
        advice = result.stderr.split("qfex-sync ")[-1].split()
        assert run(*advice).exit_code == 0

    def test_not_connected(self, run: Run, at_exchange: Simulator) -> None:
        at_exchange.faults.refuse_connections()
        result = run("orders", "--timeout", "0.3")
        assert result.exit_code == 5 and "NotConnected" in result.stderr

    def test_credentials_refused(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QFEX_SECRET_KEY", "qfex_secret_wrong")
        for command in ("orders", "positions"):
            result = run(command)
            assert result.exit_code == 6
            assert "qfex_secret_wrong" not in result.output

    def test_a_key_without_the_permission_to_trade(
        self, run: Run, at_exchange: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = at_exchange.create_account(can_trade=False)
        monkeypatch.setenv("QFEX_PUBLIC_KEY", keys.public_key)
        monkeypatch.setenv("QFEX_SECRET_KEY", keys.secret_key)
        assert run("positions").exit_code == 0
        assert run("order", "place", "AAPL-USD", "buy", "1").exit_code == 6
