"""The REST interface, blocking."""

from __future__ import annotations

from types import TracebackType

from .arguments import positive, whole
from .credentials import Credentials
from .environment import Environment
from .http.account import AccountOperations
from .http.clock import ServerClock
from .http.market import MarketOperations
from .http.retries import RetryPolicy
from .http.transport import Route, Transport
from .models.instruments import Instrument


class RestClient(MarketOperations, AccountOperations):
    """Market data, reference data, account history and account settings over HTTP.

    One client may be shared between threads. It connects when it is first used; `close`, or leaving its
    ``with`` block, ends that. Reads are tried again after connection errors, 429 and 5xx, each time with a
    fresh signature; writes never are. A read refused because the local clock is wrong is signed anew by the
    exchange's clock.

    Parameters
    ----------
    environment : Environment
        Where the exchange is.
    credentials : HmacCredentials or JwtCredentials, optional
        Needed for the account's operations only; public ones do not send them.
    account_id : str, optional
        Subaccount to act for.
    timeout : float
        Seconds for one attempt: to connect, and to receive the whole answer. Exports: from piece to piece.
    retries : int
        Further attempts of a read.
    proxy : str, optional
        URL of a proxy. Left out, ``HTTPS_PROXY`` and ``NO_PROXY`` count.
    ca_file : str, optional
        Certificate authorities to trust. Left out, those of certifi, or of ``REQUESTS_CA_BUNDLE``.

    Raises
    ------
    ConfigurationError
        If credentials would travel in the clear to another machine.
    ValidationError
        If `timeout` or `retries` cannot be meant.
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
        self._transport = Transport(route, credentials, account_id, policy, ServerClock())

    def close(self) -> None:
        """Close the connections. May be called twice; every later call raises `NotConnected`."""
        self._transport.close()

    def __enter__(self) -> RestClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RestClient({self._transport.base_url!r})"

    def __reduce__(self) -> str:
        raise TypeError("a RestClient cannot be pickled: make a new one in each process")


def load_instruments(environment: Environment, *, timeout: float = 10.0) -> dict[str, Instrument]:
    """Read the instruments once, for ``TradeClient(instruments=...)``. Raises like it."""
    with RestClient(environment, timeout=timeout) as client:
        return client.instruments()
