"""How a client reaches its peer."""

from __future__ import annotations

import attrs

from ..protocol.numbers import LONGEST
from .proxies import proxy_arguments


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
