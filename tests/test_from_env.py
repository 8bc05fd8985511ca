"""Clients from environment variables."""

from __future__ import annotations

from typing import Any

import pytest

import qfex
from qfex import (
    ConfigurationError,
    HmacCredentials,
    JwtCredentials,
    MarketDataClient,
    RestClient,
    TradeClient,
    credentials_from_env,
    environment_from_env,
)

NAMES = ("ENV", "TRADE_URL", "MDS_URL", "REST_URL", "PUBLIC_KEY", "SECRET_KEY", "JWT", "ACCOUNT_ID")


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(f"QFEX_{name}", raising=False)
    return monkeypatch


def set_keys(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("QFEX_PUBLIC_KEY", "qfex_pub_1")
    variables.setenv("QFEX_SECRET_KEY", "secret")


def test_the_environment_is_the_test_instance_unless_it_is_named(variables: pytest.MonkeyPatch) -> None:
    assert environment_from_env() == qfex.UAT
    variables.setenv("QFEX_ENV", "PROD")
    assert environment_from_env() == qfex.PROD
    variables.setenv("QFEX_ENV", "production")
    with pytest.raises(ConfigurationError, match="prod or uat"):
        environment_from_env()


def test_keys_go_before_a_token(variables: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="QFEX_JWT"):
        credentials_from_env()
    variables.setenv("QFEX_JWT", "t")
    assert credentials_from_env() == JwtCredentials("t")
    set_keys(variables)
    assert credentials_from_env() == HmacCredentials("qfex_pub_1", "secret")


@pytest.mark.parametrize("kind", [TradeClient, MarketDataClient, RestClient])
def test_every_client_can_be_made_from_the_environment(kind: Any, variables: pytest.MonkeyPatch) -> None:
    set_keys(variables)
    variables.setenv("QFEX_ENV", "prod")
    client = kind.from_env()
    assert "qfex.com" in repr(client) or kind is not RestClient
    client.close()
    kind.from_env(environment=qfex.UAT).close()


def test_a_market_data_client_needs_no_credentials() -> None:
    MarketDataClient.from_env(request_timeout=3.0).close()


def test_a_rest_client_without_credentials_is_public() -> None:
    with RestClient.from_env() as client, pytest.raises(ConfigurationError, match="needs credentials"):
        client.balance()


@pytest.mark.parametrize("name", ["QFEX_PUBLIC_KEY", "QFEX_SECRET_KEY"])
def test_half_a_key_pair_is_an_error(name: str, variables: pytest.MonkeyPatch) -> None:
    variables.setenv(name, "x")
    for kind in (TradeClient, RestClient):
        with pytest.raises(ConfigurationError, match="QFEX_SECRET_KEY"):
            kind.from_env()  # type: ignore[attr-defined]


def test_arguments_go_before_the_environment(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("QFEX_REST_URL", "http://127.0.0.1:9")
    with RestClient.from_env(credentials=None, timeout=1) as client:
        assert "127.0.0.1:9" in repr(client)
