"""How to reach the exchange, when to reconnect, and how much to send."""

from __future__ import annotations

import attrs


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


@attrs.frozen
class ReconnectPolicy:
    """When a connection counts as dead, and when to reconnect.

    Parameters
    ----------
    initial_delay, max_delay : float
        In seconds. The delay before attempt n is random between 0 and ``initial_delay * 2 ** (n - 1)``, at most
        `max_delay`. This "full jitter" keeps many clients from reconnecting at the same moment.
    heartbeat_interval : float
        Seconds without data from the peer after which a ping is sent.
    heartbeat_timeout : float
        Seconds without data after the ping after which the connection counts as dead.
    """

    initial_delay: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    max_delay: float = attrs.field(default=30.0, validator=attrs.validators.gt(0))
    heartbeat_interval: float = attrs.field(default=15.0, validator=attrs.validators.gt(0))
    heartbeat_timeout: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt. Attempts are counted from 1."""
        import random  # imported here because it is needed only after a connection is lost

        ceiling = min(self.max_delay, self.initial_delay * 2.0 ** min(attempt - 1, 60))
        return random.uniform(0, ceiling)


@attrs.frozen
class RateLimitPolicy:
    """The exchange's rate limit, enforced by the client.

    The exchange allows each user 12,000 units of weight in 60 seconds, in each of two buckets: one for cancels and one
    for everything else. With the defaults, no window of 60 seconds holds more than 12,000 units of a bucket.

    Parameters
    ----------
    units_per_second : float
        Refill rate of each bucket.
    burst : float
        Units that may be sent at once, in each bucket.
    retry_after : float
        Seconds to pause when the exchange answers "rate limited" without a waiting time.
    """

    units_per_second: float = attrs.field(default=190.0, validator=attrs.validators.gt(0))
    burst: float = attrs.field(default=600.0, validator=attrs.validators.ge(5))
    retry_after: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))
