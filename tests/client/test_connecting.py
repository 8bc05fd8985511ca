"""Connecting: a client that is ready, an exchange that is not there, and settings from the environment."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qfex import (
    Channel,
    ConfigurationError,
    ConnectionState,
    Environment,
    HmacCredentials,
    NotConnected,
    RateLimitPolicy,
    ReconnectPolicy,
    RequestTimeout,
    TradeClient,
    ValidationError,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, PATIENCE, Connect, live_only, new_client, next_event, sent


def own_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("qfex-trade")}


def test_a_client_is_ready_when_its_block_is_entered(sim: Simulator) -> None:
    client = new_client(sim)
    assert client.state is ConnectionState.DISCONNECTED and not client.is_alive
    with client as entered:
        assert entered is client and client.state is ConnectionState.READY and client.is_alive
        assert [entry.command for entry in sim.ledger.received] == ["auth", "subscribe"]
        assert sent(sim, "subscribe") == [{"channels": ["order_responses"]}]
        assert own_threads() == {"qfex-trade-reader"}
        client.on(Channel.FILLS, print)
        assert own_threads() == {"qfex-trade-reader", "qfex-trade-dispatcher"}
    assert client.state is ConnectionState.CLOSED and not client.is_alive
    assert sim.connections == []


@live_only
def test_connecting_and_closing_may_be_repeated(sim: Simulator) -> None:
    client = new_client(sim)
    client.connect()
    client.connect()
    assert len(sim.connections) == 1
    client.close()
    client.close()


@live_only
def test_an_exception_in_a_with_block_closes_the_client(sim: Simulator) -> None:
    with pytest.raises(KeyError), new_client(sim) as client:
        raise KeyError
    assert client.state is ConnectionState.CLOSED


@live_only
def test_waiting_until_ready_returns_at_once_on_a_ready_client(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.wait_until_ready(0.0)
    with pytest.raises(ValidationError, match="timeout"):
        client.wait_until_ready(-1)


# --- no exchange there --------------------------------------------------------------------------------------


NOWHERE = Environment("ws://127.0.0.1:9/", "ws://127.0.0.1:9/", "http://127.0.0.1:9")
KEYS = HmacCredentials("qfex_pub_1", "qfex_secret_1")


def test_without_a_reconnect_policy_there_is_one_attempt_to_connect() -> None:
    client = TradeClient(NOWHERE, KEYS, reconnect=None, request_timeout=PATIENCE)
    with pytest.raises(NotConnected, match=r"cannot connect to 127\.0\.0\.1") as failed:
        client.connect()
    assert "qfex_pub_1" not in str(failed.value)
    client.close()


def test_with_a_reconnect_policy_attempts_go_on_until_the_timeout() -> None:
    policy = ReconnectPolicy(initial_delay=0.01, max_delay=0.02)
    client = TradeClient(NOWHERE, KEYS, reconnect=policy, request_timeout=0.3)
    attempts: list[int] = []
    client.on(Channel.CONNECTION, lambda event: attempts.append(event.attempt))
    with pytest.raises(NotConnected, match="cannot connect"):
        client.connect()
    client.close()
    assert max(attempts) > 3


@live_only
def test_an_exchange_that_does_not_answer_the_upgrade_times_out(sim: Simulator) -> None:
    sim.faults.stall_connections()
    client = new_client(sim, request_timeout=0.3, reconnect=None)
    with pytest.raises((NotConnected, RequestTimeout)):
        client.connect()
    assert client.state is ConnectionState.DISCONNECTED
    client.close()


@live_only
def test_an_exchange_that_does_not_answer_the_login_times_out(sim: Simulator) -> None:
    sim.faults.swallow_command("auth", times=1)
    client = new_client(sim, request_timeout=0.3)
    with pytest.raises(RequestTimeout) as silent:
        client.connect()
    assert silent.value.sent is False
    client.connect()
    assert client.state is ConnectionState.READY
    client.close()


def test_an_exchange_that_starts_late_is_reached(connect: Connect) -> None:
    sim = Simulator(symbols=[AAPL], liquidity=False, clock="manual")
    sim.start()
    environment = sim.environment
    sim.stop()
    port = int(environment.trade_url.rstrip("/").rpartition(":")[2].split("/")[0])
    late = Simulator(symbols=[AAPL], liquidity=False, clock="manual", port=port)
    client = TradeClient(
        environment, late.credentials, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.05),
        request_timeout=PATIENCE,
    )  # fmt: skip
    tried = threading.Event()
    client.on(
        Channel.CONNECTION, lambda event: tried.set() if event.state is ConnectionState.RECONNECTING else None
    )
    starter = threading.Thread(target=lambda: tried.wait(PATIENCE) and late.start())
    starter.start()
    client.connect()
    starter.join()
    assert client.state is ConnectionState.READY
    client.close()
    late.stop()


# --- what it shows ------------------------------------------------------------------------------------------


@live_only
def test_a_client_shows_no_secret(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    shown = repr(client) + str(client)
    assert repr(client) == "<TradeClient READY>"
    assert sim.credentials.secret_key not in shown and sim.credentials.public_key not in shown


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_the_request_timeout_must_be_above_zero(timeout: float) -> None:
    with pytest.raises(ValidationError, match="request_timeout"):
        TradeClient(NOWHERE, KEYS, request_timeout=timeout)


# --- from the environment -----------------------------------------------------------------------------------


VARIABLES = ("QFEX_ENV", "QFEX_TRADE_URL", "QFEX_MDS_URL", "QFEX_REST_URL", "QFEX_PUBLIC_KEY", "QFEX_SECRET_KEY",
             "QFEX_JWT", "QFEX_ACCOUNT_ID")  # fmt: skip


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


@live_only
def test_a_client_is_made_from_environment_variables(sim: Simulator, environ: Any) -> None:
    environ("QFEX_TRADE_URL", sim.environment.trade_url)
    environ("QFEX_REST_URL", sim.environment.rest_url)
    environ("QFEX_MDS_URL", sim.environment.market_data_url)
    environ("QFEX_PUBLIC_KEY", sim.credentials.public_key)
    environ("QFEX_SECRET_KEY", sim.credentials.secret_key)
    environ("QFEX_ACCOUNT_ID", sim.create_subaccount(sim.credentials, 700))
    with TradeClient.from_env() as client, client.stream(Channel.BALANCES) as balances:
        assert next_event(balances).deposit == 700
    with TradeClient.from_env(account_id=None, rate_limit=RateLimitPolicy()) as client:
        assert client.place_order(AAPL, "BUY", 1, 330).user_id == sim.account_id(sim.credentials)


@live_only
def test_a_jwt_is_read_from_the_environment(sim: Simulator, environ: Any) -> None:
    environ("QFEX_JWT", sim.jwt(sim.credentials))
    with TradeClient.from_env(environment=sim.environment) as client:
        assert client.state is ConnectionState.READY


@pytest.mark.parametrize(
    "name, host", [("uat", "trade.qfex.io"), ("PROD", "trade.qfex.com"), (None, "trade.qfex.io")]
)
def test_the_environment_chooses_between_test_and_production(
    environ: Any, name: str | None, host: str
) -> None:
    environ("QFEX_JWT", "t")
    if name:
        environ("QFEX_ENV", name)
    client = TradeClient.from_env()
    endpoint: Any = client._session.endpoint
    assert host in endpoint.address()[0] and endpoint.authentication().account_id is None


def test_missing_or_wrong_environment_variables_are_named(environ: Any) -> None:
    with pytest.raises(ConfigurationError, match="QFEX_PUBLIC_KEY.*QFEX_JWT"):
        TradeClient.from_env()
    environ("QFEX_PUBLIC_KEY", "p")
    with pytest.raises(ConfigurationError):
        TradeClient.from_env()
    environ("QFEX_SECRET_KEY", "s")
    environ("QFEX_ENV", "mainnet")
    with pytest.raises(ConfigurationError, match="mainnet"):
        TradeClient.from_env()
