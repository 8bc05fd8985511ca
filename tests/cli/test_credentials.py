"""Sources of credentials, refused files, and the protection against trading real money by accident."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qfex import ConfigurationError, HmacCredentials, JwtCredentials
from qfex.cli.credentials import exchange_file, find_credentials, own_file

from .conftest import Run

KEYS = 'public_key = "qfex_pub_1"\nsecret_key = "qfex_secret_1"\n'


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_environment_variables_take_precedence_over_files(monkeypatch: pytest.MonkeyPatch) -> None:
    write(own_file(), KEYS)
    monkeypatch.setenv("QFEX_JWT", "a.b.c")
    found = find_credentials("uat")
    assert (found.credentials, found.source) == (JwtCredentials("a.b.c"), "environment variables")


def test_a_named_file_takes_precedence_over_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QFEX_JWT", "a.b.c")
    found = find_credentials("uat", write(tmp_path / "keys.toml", KEYS + 'account_id = "u-1"\n'))
    assert found.credentials == HmacCredentials("qfex_pub_1", "qfex_secret_1")
    assert found.account_id == "u-1"


def test_a_file_may_have_a_table_for_each_environment() -> None:
    write(own_file(), f'[uat]\n{KEYS}\n[prod]\njwt = "x.y.z"\n')
    assert find_credentials("uat").credentials == HmacCredentials("qfex_pub_1", "qfex_secret_1")
    assert find_credentials("prod").credentials == JwtCredentials("x.y.z")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_read_is_refused(mode: int) -> None:
    for path in (own_file(), exchange_file()):
        write(path, KEYS, mode)
        with pytest.raises(ConfigurationError, match=f"chmod 600 {path}") as caught:
            find_credentials("uat")
        assert "qfex_secret_1" not in str(caught.value)
        path.unlink()


@pytest.mark.parametrize(
    "text", ["public_key = \n", "= qfex_secret_1", 'secret_key = "qfex_secret_1', "\x00"]
)
def test_the_error_of_a_broken_file_does_not_show_its_content(text: str) -> None:
    write(own_file(), text + "\nqfex_secret_1")
    with pytest.raises(ConfigurationError) as caught:
        find_credentials("uat")
    assert "qfex_secret_1" not in str(caught.value)


def test_the_configuration_of_the_exchanges_own_tool_is_read() -> None:
    text = "public_key: qfex_pub_2\nsecret_key: qfex_secret_2\nenv: uat\nselected_subaccount: u-2\n"
    write(exchange_file(), text)
    found = find_credentials("uat")
    assert found.credentials == HmacCredentials("qfex_pub_2", "qfex_secret_2")
    assert (found.account_id, found.source) == ("u-2", str(exchange_file()))


def test_the_login_token_of_the_exchanges_own_tool_is_for_prod_by_default() -> None:
    write(exchange_file(), 'public_key: ""\nsecret_key: ""\naccess_token: h.p.s\nrefresh_token: r\n')
    assert find_credentials("prod").credentials == JwtCredentials("h.p.s")
    with pytest.raises(ConfigurationError, match="--env prod"):
        find_credentials("uat")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "public_key: only\n", "::: qfex_secret_2"])
def test_a_configuration_without_credentials_is_an_error(text: str) -> None:
    write(exchange_file(), text)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials("prod")
    assert "qfex_secret_2" not in str(caught.value)


def test_missing_credentials_are_explained(run: Run) -> None:
    result = run("positions", "--env", "uat")
    assert result.exit_code == 2
    assert "QFEX_PUBLIC_KEY" in result.stderr and "0600" in result.stderr


def test_keys_are_not_options(run: Run) -> None:
    for option in ("--secret-key", "--public-key", "--jwt"):
        assert run(option, "x", "positions").exit_code == 2


@pytest.mark.parametrize(
    "command", ["order place AAPL-USD buy 1", "close AAPL-USD", "flatten", "rebalance x.toml"]
)
def test_trading_real_money_needs_confirmation(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.toml").write_text("[quantities]\nAAPL-USD = 1\n")
    # Nothing answers at these addresses, so a command that continued would end with another exit code.
    monkeypatch.setenv("QFEX_PUBLIC_KEY", "qfex_pub_1")
    monkeypatch.setenv("QFEX_SECRET_KEY", "qfex_secret_1")
    monkeypatch.setenv("QFEX_TRADE_URL", "wss://trade.invalid/")
    monkeypatch.setenv("QFEX_REST_URL", "https://api.invalid")
    result = run("--env", "prod", *command.split())
    assert result.exit_code == 2 and "--yes" in result.stderr
    assert "--yes" not in run("--env", "prod", "--timeout", "0.1", *command.split(), "--yes").stderr


def test_the_confirmation_can_be_declined(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFEX_JWT", "a.b.c")
    monkeypatch.setattr("qfex.cli.context._is_interactive", lambda: True)
    result = run("--env", "prod", "close", "AAPL-USD", input="n\n")
    assert result.exit_code == 1 and "real money" in result.stderr


def test_a_simulator_must_be_on_this_machine(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFEX_TRADE_URL", "wss://trade.invalid/")
    assert run("--env", "sim", "orders").exit_code == 2
    monkeypatch.setenv("QFEX_MDS_URL", "wss://mds.invalid/")
    monkeypatch.setenv("QFEX_REST_URL", "https://api.invalid")
    result = run("--env", "sim", "orders")
    assert result.exit_code == 2 and "not on this machine" in result.stderr


def test_an_unknown_environment_is_wrong_usage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFEX_ENV", "moon")
    assert run("orders").exit_code == 2
