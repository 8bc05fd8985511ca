"""The URLs of the exchange, and the rules for connecting to them."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import attrs

from .errors import ConfigurationError


@attrs.frozen
class Environment:
    """URLs of one instance of the exchange.

    Parameters
    ----------
    trade_url : str
        WebSocket URL of the trade gateway.
    market_data_url : str
        WebSocket URL of the market data gateway.
    rest_url : str
        Base URL of the REST API.
    """

    trade_url: str
    market_data_url: str
    rest_url: str


#: The production exchange.
PROD = Environment("wss://trade.qfex.com/", "wss://mds.qfex.com/", "https://api.qfex.com")

#: The exchange's test instance: the same behaviour, no real funds, and separate credentials.
UAT = Environment("wss://trade.qfex.io/", "wss://mds.qfex.io/", "https://api.qfex.io")


def require_safe_for_secrets(url: str) -> None:
    """Refuse URLs to which credentials would travel unencrypted over a network.

    Raises
    ------
    ConfigurationError
        If `url` is plain ``ws://`` or ``http://`` and its host is not a loopback address.
    """
    parts = urlsplit(url)
    if parts.scheme in ("wss", "https"):
        return
    if parts.scheme not in ("ws", "http") or not is_loopback(parts.hostname or ""):
        where = f"{parts.scheme}://{parts.hostname}"
        raise ConfigurationError(f"credentials are not sent to {where}: use wss:// or https://")


def require_authorities(ca_file: str | None) -> None:
    """Refuse a file of certificate authorities that cannot be used, before any attempt to connect.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return
    import ssl  # imported here because it is rarely needed

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except OSError as error:  # ssl.SSLError included
        raise ConfigurationError(f"no certificate authorities in {ca_file}: {error}") from None


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine."""
    if host == "localhost":
        return True
    import ipaddress  # imported here because it is rarely needed and slow to import

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
