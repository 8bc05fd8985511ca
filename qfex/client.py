"""The trade client: every command of the exchange's trade gateway as a plain blocking method."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from .credentials import Credentials, HmacCredentials, JwtCredentials
from .enums import Channel
from .environment import PROD, UAT, Environment, require_safe_for_secrets
from .errors import ConfigurationError, QfexError, ValidationError
from .policies import RateLimitPolicy, ReconnectPolicy
from .protocol import commands as c
from .protocol.numbers import text
from .protocol.trade import WHAT_WAS_TRADED, TradeDialogue
from .session.calls import Caller
from .session.deadline import Deadline
from .session.options import TransportOptions
from .session.rate_limit import shared_limiter
from .trading.resolving import ResolvingMethods

if TYPE_CHECKING:
    from .models.instruments import Instrument


class TradeClient(ResolvingMethods):
    """A blocking client of the trade gateway.

    ::

        with TradeClient(UAT, HmacCredentials(public_key, secret_key)) as client:
            order = client.place_order("AAPL-USD", "BUY", "0.5", "180.25")
            client.cancel_order(order)

    Every call ends in the truth: done (the returned model), refused (`OrderRejected`, `ApiError`,
    `ValidationError`), never sent (`NotConnected`, `RequestTimeout` with ``sent`` False), or, for a trading command
    whose answer never came, `OutcomeUnknown`, which `resolve` clears up. A trading command is never sent twice.

    Parameters
    ----------
    environment : Environment
        `PROD`, `UAT`, or a simulator's.
    credentials : HmacCredentials or JwtCredentials
    account_id : str, optional
        UUID of a subaccount to act for.
    cancel_on_disconnect : bool
        Whether the exchange shall cancel all of the account's orders when the line ends. Armed on every line.
    request_timeout : float
        Seconds for each call; each method also takes its own `timeout`.
    reconnect : ReconnectPolicy or None
        None: a lost connection stays lost.
    rate_limit : RateLimitPolicy or None
        None: no throttling on this side.
    instruments : mapping of str to Instrument, optional
        Given, orders are checked before they are sent; see `RestClient.instruments`.
    proxy : str, optional
        Such as ``http://user:password@host:3128``; None takes ``HTTPS_PROXY`` and ``NO_PROXY`` from the environment.
    ca_file : str, optional
        Certificate authorities to trust instead of the system's.

    Raises
    ------
    ConfigurationError
        If the credentials would travel in the clear to another machine.
    ValidationError
        If `account_id` is no text, or `request_timeout` no time.
    """

    def __init__(
        self,
        environment: Environment,
        credentials: HmacCredentials | JwtCredentials,
        *,
        account_id: str | None = None,
        cancel_on_disconnect: bool = False,
        request_timeout: float = 10.0,
        reconnect: ReconnectPolicy | None = ReconnectPolicy(),  # noqa: B008 - frozen
        rate_limit: RateLimitPolicy | None = RateLimitPolicy(),  # noqa: B008 - frozen
        instruments: Mapping[str, Instrument] | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        require_safe_for_secrets(environment.trade_url)
        self._environment = environment
        self._credentials = credentials
        self._account_id = account_id = None if account_id is None else text(account_id, "account_id")
        self._instruments = None if instruments is None else dict(instruments)
        self._dialogue = TradeDialogue(environment.trade_url, credentials, account_id, time.time)
        self._dialogue.cancel_on_disconnect = cancel_on_disconnect
        self._limiter = shared_limiter((environment.trade_url, credentials), rate_limit)
        if self._limiter is not None:
            self._dialogue.on_rate_limit = self._limiter.pause
        self._options = TransportOptions(proxy, ca_file, request_timeout)
        self._make_ids()
        super().__init__(
            "qfex-trade",
            self._dialogue,
            request_timeout=request_timeout,
            reconnect=reconnect,
            options=self._options,
        )

    @classmethod
    def from_env(cls, **overrides: Any) -> TradeClient:
        """Make a client from environment variables.

        ``QFEX_ENV`` is ``prod`` or ``uat`` (the default); ``QFEX_TRADE_URL``, ``QFEX_MDS_URL`` and ``QFEX_REST_URL``
        replace its URLs. ``QFEX_PUBLIC_KEY`` with ``QFEX_SECRET_KEY``, or ``QFEX_JWT``, are the credentials;
        ``QFEX_ACCOUNT_ID`` names a subaccount. Keyword arguments go before the environment.

        Raises
        ------
        ConfigurationError
            If credentials are missing or ``QFEX_ENV`` is not known.
        """
        arguments = {
            "environment": overrides.pop("environment", None) or environment_from_env(),
            "credentials": overrides.pop("credentials", None) or credentials_from_env(),
            "account_id": os.environ.get("QFEX_ACCOUNT_ID") or None,
        }
        return cls(**{**arguments, **overrides})

    def subscribe(self, *channels: Channel | str, timeout: float | None = None) -> None:
        """Subscribe to channels of the account. Restored on every line; asking twice does no harm.

        Raises
        ------
        ValidationError
            If a channel is unknown, or exists in this client only.
        """
        wanted = self._exchange_channels(channels)
        deadline = self._deadline(timeout)
        self._refuse_if_closed()
        with self._session.state_lock:
            missing = tuple(channel for channel in wanted if channel not in self._dialogue.channels)
        if missing:
            self._caller.request(c.Subscribe(missing), deadline.remaining())
        if Channel.FILLS in wanted:
            self._learn_fills(deadline)

    def unsubscribe(self, *channels: Channel | str, timeout: float | None = None) -> None:
        """Unsubscribe from channels.

        Raises
        ------
        ValidationError
            For `Channel.ORDERS` too: without it the exchange does not answer order commands.
        """
        wanted = self._exchange_channels(channels)
        if Channel.ORDERS in wanted:
            raise ValidationError(
                "channels", "order_responses", "is needed for the replies to order commands"
            )
        with self._session.state_lock:
            for channel in wanted:
                self._dialogue.channels.pop(channel, None)
        self._request(c.Unsubscribe(tuple(wanted)), timeout)

    def _exchange_channels(self, channels: tuple[Channel | str, ...]) -> list[Channel]:
        named = list(dict.fromkeys(Channel.parse(channel, "channels") for channel in channels))
        if not named or any(channel.is_local for channel in named):
            raise ValidationError("channels", channels, "must name channels of the exchange")
        return named

    def _want(self, channel: Channel) -> None:
        """Subscribe now, or with the first line."""
        if channel.is_local:
            return
        if self._session.is_alive:
            self.subscribe(channel)
            return
        with self._session.state_lock:
            self._dialogue.channels[channel] = None

    def _on_ready(self) -> None:
        if Channel.FILLS not in self._dialogue.channels:
            return
        try:
            self._learn_fills(self._deadline(None))
        except QfexError as error:
            self._session.report(
                "recovery", f"what was traded before could not be read: {error}", error=error
            )

    def _learn_fills(self, deadline: Deadline) -> None:
        """Have the dialogue learn what was traded before, so that an outage can be told from the past."""
        if not self._dialogue.fills.has_baseline:
            self._caller.request(WHAT_WAS_TRADED, deadline.remaining())

    def _make_caller(self) -> Caller:
        return Caller(self._session, self._limiter, known_orders=self._dialogue.orders.get)


def environment_from_env() -> Environment:
    """The environment that the ``QFEX_...`` variables describe.

    Raises
    ------
    ConfigurationError
        If ``QFEX_ENV`` is not known.
    """
    name = os.environ.get("QFEX_ENV", "uat").lower()
    if name not in ("prod", "uat"):
        raise ConfigurationError(f"QFEX_ENV is {name!r}; it must be prod or uat")
    urls = {
        "trade_url": os.environ.get("QFEX_TRADE_URL"),
        "market_data_url": os.environ.get("QFEX_MDS_URL"),
        "rest_url": os.environ.get("QFEX_REST_URL"),
    }
    base = PROD if name == "prod" else UAT
    return attrs.evolve(base, **{field: url for field, url in urls.items() if url})


def credentials_from_env() -> Credentials:
    """The credentials in the ``QFEX_...`` variables.

    Raises
    ------
    ConfigurationError
        If there are none.
    """
    public_key, secret_key = os.environ.get("QFEX_PUBLIC_KEY"), os.environ.get("QFEX_SECRET_KEY")
    if public_key and secret_key:
        return HmacCredentials(public_key, secret_key)
    token = os.environ.get("QFEX_JWT")
    if token:
        return JwtCredentials(token)
    raise ConfigurationError("set QFEX_PUBLIC_KEY and QFEX_SECRET_KEY, or QFEX_JWT")
