"""A blocking client of the REST API."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

from .arguments import positive, whole
from .credentials import Credentials, credentials_from_env, has_credentials_in_env
from .environment import Environment, environment_from_env
from .http.account import AccountOperations
from .http.clock import ServerClock
from .http.market import MarketOperations
from .http.requester import Requester, Route
from .http.retries import RetryPolicy
from .models.instruments import Instrument


class RestClient(MarketOperations, AccountOperations):
    """Client of the REST API: market data, reference data, account history and account settings.

    A client may be shared between threads. It connects on first use, and `close`, or leaving its ``with`` block, closes
    the connections. Reads are retried after connection errors and after the status codes 429 and 5xx, each time with a
    fresh signature. Writes are never retried. If the exchange refuses a read because the local clock is wrong, the
    client signs it again with the exchange's time and sends it once more.

    Parameters
    ----------
    environment : Environment
        The exchange to use.
    credentials : HmacCredentials or JwtCredentials, optional
        Needed only for account operations. Public operations do not send them.
    account_id : str, optional
        UUID of the subaccount to use.
    timeout : float
        Timeout of one attempt in seconds, from connecting to the complete answer. For exports it is the longest time
        without new data.
    retries : int
        Number of attempts of a read after the first.
    proxy : str, optional
        URL of a proxy. By default ``HTTPS_PROXY`` and ``NO_PROXY`` apply.
    ca_file : str, optional
        Certificate authorities to trust. By default those of certifi, or of ``REQUESTS_CA_BUNDLE``.

    Raises
    ------
    ConfigurationError
        If credentials would be sent unencrypted to another machine.
    ValidationError
        If `timeout` or `retries` is out of range.
    """

    def __init__(
        self,
        environment: Environment,
        credentials: Credentials | None = None,
        *,
        account_id: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        seconds = float(positive(timeout, "timeout"))
        route = Route(environment.rest_url, seconds, proxy, ca_file)
        policy = RetryPolicy(whole(retries, "retries", 0))
        self._requester = Requester(route, credentials, account_id, policy, ServerClock())

    @classmethod
    def from_env(cls, **overrides: Any) -> RestClient:
        """Make a client from environment variables.

        They are those of `TradeClient.from_env`; ``QFEX_REST_URL`` replaces the URL. Without credentials the client can
        only use public operations. Keyword arguments go before the environment.

        Raises
        ------
        ConfigurationError
            If ``QFEX_ENV`` is not known, or there is only half a key pair.
        """
        arguments: dict[str, Any] = {
            "environment": overrides.pop("environment", None) or environment_from_env(),
            "account_id": os.environ.get("QFEX_ACCOUNT_ID") or None,
        }
        if "credentials" not in overrides and has_credentials_in_env():
            arguments["credentials"] = credentials_from_env()
        return cls(**{**arguments, **overrides})

    def close(self) -> None:
        """Close the connections. Every later operation raises `NotConnected`; a second `close` does nothing."""
        self._requester.close()

    def __enter__(self) -> RestClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RestClient({self._requester.base_url!r})"

    def __reduce__(self) -> str:
        raise TypeError("a RestClient cannot be pickled: make a new one in each process")


def load_instruments(environment: Environment, *, timeout: float = 10.0) -> dict[str, Instrument]:
    """Return the instruments by symbol, for ``TradeClient(instruments=...)``.

    Raises the errors of `RestClient.instruments`.
    """
    with RestClient(environment, timeout=timeout) as client:
        return client.instruments()
