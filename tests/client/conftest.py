"""Fixtures of the tests that try to make the client lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from qfex import TradeClient
from tests.support.exchange import Exchange, Script
from tests.support.helpers import PATIENCE, QUICK

Stage = Callable[..., tuple[Exchange, TradeClient]]


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Makes a scripted exchange and a client that is connected to it."""
    with ExitStack() as ends:

        def stage(*scripts: Script, connected: bool = True, **options: Any) -> tuple[Exchange, TradeClient]:
            exchange = ends.enter_context(Exchange(*scripts))
            options = {"request_timeout": PATIENCE, "reconnect": QUICK, **options}
            client = TradeClient(exchange.environment, exchange.credentials, **options)
            ends.callback(client.close)
            if connected:
                client.connect()
            return exchange, client

        yield stage
