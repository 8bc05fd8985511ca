"""The exchange that a command uses: production, the test instance, or a simulator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs

from ..environment import PROD, UAT, Environment, is_loopback
from ..errors import ConfigurationError

NAMES = ("sim", "uat", "prod")
_URLS = {"trade_url": "QFEX_TRADE_URL", "market_data_url": "QFEX_MDS_URL", "rest_url": "QFEX_REST_URL"}


def chosen_name(option: str | None) -> str:
    """Return the name of the environment: the option, else ``QFEX_ENV``, else ``uat``.

    Raises
    ------
    ConfigurationError
        If ``QFEX_ENV`` is not a known name.
    """
    name = (option or os.environ.get("QFEX_ENV") or "uat").lower()
    if name not in NAMES:
        raise ConfigurationError(f"QFEX_ENV is {name!r}; it must be one of {', '.join(NAMES)}")
    return name


def named_environment(name: str) -> Environment | None:
    """Return the environment of a name, with the ``QFEX_..._URL`` variables applied.

    Returns
    -------
    Environment or None
        None if the name is ``sim`` and no URLs are given, so that a simulator must be started.

    Raises
    ------
    ConfigurationError
        If only some of the URLs of a simulator are given, or if it is not on this machine.
    """
    given = {field: os.environ[variable] for field, variable in _URLS.items() if os.environ.get(variable)}
    if name != "sim":
        return attrs.evolve(PROD if name == "prod" else UAT, **given)
    return _simulator(given)


def _simulator(given: Mapping[str, str]) -> Environment | None:
    if not given:
        return None
    if len(given) < len(_URLS):
        raise ConfigurationError(f"a running simulator needs all of {', '.join(_URLS.values())}")
    environment = Environment(**given)
    if is_real(environment):
        raise ConfigurationError("--env sim, but QFEX_TRADE_URL is not on this machine")
    return environment


def is_real(environment: Environment) -> bool:
    """Return whether orders use real money: everywhere except on the test instance and on this machine."""
    host = urlsplit(environment.trade_url).hostname or ""
    return not is_loopback(host) and host != urlsplit(UAT.trade_url).hostname
