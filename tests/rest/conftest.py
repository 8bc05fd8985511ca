"""A scripted server and clients of it, with short delays between attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qfex.credentials import HmacCredentials
from qfex.http import retries
from qfex.rest import RestClient
from tests.support.rest_server import ScriptedServer

CREDENTIALS = HmacCredentials("qfex_pub_for_tests", "qfex_secret_for_tests")

MakeClient = Callable[..., RestClient]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer().running() as scripted:
        yield scripted


@pytest.fixture
def make_client(server: ScriptedServer) -> Iterator[MakeClient]:
    """Make clients of the server, which are closed after the test."""
    made: list[RestClient] = []

    def make(*args: Any, **options: Any) -> RestClient:
        made.append(RestClient(server.environment, *args, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> RestClient:
    return make_client(CREDENTIALS)


@pytest.fixture
def public(make_client: MakeClient) -> RestClient:
    return make_client()


@pytest.fixture(autouse=True)
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The longest backoff of each retry, in seconds. Tests do not wait for it."""
    asked: list[float] = []

    def spread(low: float, high: float) -> float:
        asked.append(high)
        return low

    monkeypatch.setattr(retries.random, "uniform", spread)
    return asked
