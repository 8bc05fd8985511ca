"""How to reach the peer: proxy, certificates, time limit.

A WebSocket goes through the proxy that a REST call to the same host goes through. websocket-client's own choice differs:
it lets ``NO_PROXY`` overrule a proxy that was given, does not know ``ALL_PROXY``, takes every proxy of the environment for
an HTTP one, and sends what is meant for this machine through it.
"""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from ..arguments import LONGEST
from ..environment import is_loopback
from ..errors import NotConnected

#: Kinds of proxies that websocket-client can use, and the port of one that names none.
_PORTS = {"http": 80, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}

#: A proxy that no host uses; without one, websocket-client would ask the environment again.
_DIRECT = {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": ["*"]}


@attrs.frozen
class TransportOptions:
    """How to reach the peer.

    Parameters
    ----------
    proxy : str or None
        ``http://user:password@host:port`` or ``socks5://...``; None takes the environment's (``HTTPS_PROXY``,
        ``NO_PROXY``).
    ca_file : str or None
        Certificates to trust instead of the system's.
    connect_timeout : float
        Seconds for TCP, TLS and handshake together.
    """

    proxy: str | None = attrs.field(default=None, repr=False)
    ca_file: str | None = None
    connect_timeout: float = 10.0

    def arguments(self, url: str) -> dict[str, object]:
        """Keyword arguments of websocket-client's ``connect``."""
        return {
            **proxy_arguments(url, self.proxy),
            "timeout": min(self.connect_timeout, LONGEST),
            "http_proxy_timeout": min(self.connect_timeout, LONGEST),
            "suppress_origin": True,
            "redirect_limit": 0,  # credentials must not follow to another host
        }


def proxy_arguments(url: str, given: str | None) -> dict[str, Any]:
    """Keyword arguments of websocket-client's ``connect`` that choose the proxy.

    Parameters
    ----------
    url : str
        What to connect to.
    given : str or None
        The proxy that the user named; None leaves it to the environment.

    Raises
    ------
    NotConnected
        If the proxy is of a kind that WebSockets cannot go through.
    """
    proxy = given or _of_environment(url)
    if proxy is None:
        return _DIRECT
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in _PORTS:
        raise NotConnected(f"WebSockets cannot go through a proxy of the kind {parts.scheme}://")
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port or _PORTS[parts.scheme],
        "http_proxy_auth": user,
        "proxy_type": parts.scheme,
        "http_no_proxy": ["-"],  # not the name of any host: the decision is made already
    }


def _of_environment(url: str) -> str | None:
    """The proxy that the environment, or the system's settings, name for a URL."""
    if not _may_name_a_proxy() or is_loopback(urlsplit(url).hostname or ""):
        return None
    # The functions that decide for REST; imported here, since a script without a proxy does not need them.
    from requests.utils import get_environ_proxies, select_proxy

    same = url.replace("ws", "http", 1)
    return select_proxy(same, get_environ_proxies(same))


def _may_name_a_proxy() -> bool:
    return sys.platform in ("darwin", "win32") or any(name.lower().endswith("_proxy") for name in os.environ)
