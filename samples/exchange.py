"""The exchange for the lessons: a simulator in this process, or the test instance if its keys are set."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from qfex import Environment, HmacCredentials, JwtCredentials, RestClient
from qfex.client import credentials_from_env, environment_from_env
from qfex.sim import Simulator


@dataclass(frozen=True)
class Exchange:
    """An exchange and an account on it. `simulator` is None if the exchange is a real one."""

    environment: Environment
    credentials: HmacCredentials | JwtCredentials
    simulator: Simulator | None = None

    def mark_price(self, symbol: str) -> Decimal:
        """Return the current mark price."""
        with RestClient(self.environment) as rest:
            return next(row.current_mark_price for row in rest.symbol_metrics() if row.symbol == symbol)

    def price(self, symbol: str, share: str) -> Decimal:
        """Return a share of the mark price, rounded to the tick size so that the exchange accepts it."""
        with RestClient(self.environment) as rest:
            instrument = rest.instruments()[symbol]
        return instrument.round_price(self.mark_price(symbol) * Decimal(share), ROUND_HALF_EVEN)

    def pass_time(self, seconds: float) -> None:
        """Move the clock of the simulator forward, or wait if the exchange is a real one."""
        if self.simulator:
            self.simulator.advance(seconds)
        else:
            time.sleep(seconds)

    def variables(self) -> dict[str, str]:
        """Return the environment variables with which another process uses the same account."""
        urls = {
            "QFEX_TRADE_URL": self.environment.trade_url,
            "QFEX_MDS_URL": self.environment.market_data_url,
            "QFEX_REST_URL": self.environment.rest_url,
        }
        if self.simulator is None:
            return {**os.environ, **urls}
        keys = self.simulator.credentials
        return {**os.environ, **urls, "QFEX_PUBLIC_KEY": keys.public_key, "QFEX_SECRET_KEY": keys.secret_key}


@contextmanager
def open_exchange(**options: Any) -> Iterator[Exchange]:
    """Open the exchange that the environment variables name, or else a simulator with these options."""
    if os.environ.get("QFEX_ENV", "uat").lower() == "prod":
        raise SystemExit(
            "The lessons trade. They run on the simulator and on the test instance, not on prod."
        )
    if os.environ.get("QFEX_PUBLIC_KEY") or os.environ.get("QFEX_JWT"):
        yield Exchange(environment_from_env(), credentials_from_env())
    else:
        with Simulator(**options) as simulator:
            yield Exchange(simulator.environment, simulator.credentials, simulator)
