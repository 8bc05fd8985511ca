"""A simulator with a manual clock, and signed requests to its REST interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import requests

from qfex.credentials import HmacCredentials
from qfex.sim import Simulator
from qfex.sim.engine import OrderEntry
from tests.sim.clients import AAPL

TIMEOUT = 30


class Rest:
    """Requests to one simulator, by default with its default account."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.credentials = sim.credentials
        self.http = requests.Session()

    def raw(
        self, path: str, *, method: str = "GET", keys: HmacCredentials | None = None, **options: Any
    ) -> requests.Response:
        """Send a request, signed if ``keys`` are given."""
        headers = {**(keys.headers() if keys else {}), **options.pop("headers", {})}
        url = self.sim.environment.rest_url + path
        return self.http.request(method, url, headers=headers, timeout=TIMEOUT, **options)

    def get(self, path: str, keys: HmacCredentials | None = None, **params: Any) -> Any:
        """Return the body of a signed GET request."""
        response = self.raw(path, keys=keys or self.credentials, params=params)
        assert response.status_code == 200, response.text
        return response.json(parse_float=Decimal)

    def problem(self, status: int, path: str, **options: Any) -> Any:
        """Return the body of a request that fails with this status."""
        response = self.raw(path, **options)
        assert (response.status_code, response.headers["Content-Type"]) == (
            status,
            "application/problem+json",
        ), response.text
        body = response.json()
        assert body["status"] == status and body["title"] and body["detail"]
        return body

    def window(self, before: float = 3600.0, after: float = 1.0) -> dict[str, str]:
        """Return fromISO and toISO around the simulated time."""
        now = self.sim.now
        return {"fromISO": iso(now - before), "toISO": iso(now + after)}

    def order(self, side: str = "BUY", quantity: str = "1", price: str = "0", **more: Any) -> Any:
        """Enter an order directly in the engine, by default MARKET IOC of the default account."""
        symbol, kind = more.pop("symbol", AAPL), more.pop("order_type", "MARKET")
        tif, keys = more.pop("time_in_force", "IOC"), more.pop("keys", self.credentials)
        entry = OrderEntry(symbol, side, kind, tif, Decimal(quantity), Decimal(price), **more)  # type: ignore[arg-type]
        account = self.sim.account_id(keys)
        return self.sim.exchange_call(lambda exchange: exchange.add_order(account, entry))


def iso(moment: float) -> str:
    """Return unix seconds as RFC 3339."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def serving(**options: Any) -> Iterator[Rest]:
    """Serve a simulator, by default with a manual clock."""
    options.setdefault("clock", "manual")
    with Simulator(**options) as sim:
        rest = Rest(sim)
        with rest.http:
            yield rest
