"""How a client reconnects, and how fast it may send."""

from __future__ import annotations

import attrs


@attrs.frozen
class ReconnectPolicy:
    """When to call a line dead, and when to try again.

    Parameters
    ----------
    initial_delay, max_delay : float
        Seconds. The delay before attempt n is drawn between 0 and ``initial_delay * 2 ** (n - 1)``, at most
        `max_delay` ("full jitter", so that many clients do not return in step).
    heartbeat_interval : float
        Seconds of silence after which the peer is pinged.
    heartbeat_timeout : float
        Seconds of further silence after which the line is dead.
    """

    initial_delay: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    max_delay: float = attrs.field(default=30.0, validator=attrs.validators.gt(0))
    heartbeat_interval: float = attrs.field(default=15.0, validator=attrs.validators.gt(0))
    heartbeat_timeout: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))

    def delay(self, attempt: int) -> float:
        """Seconds to wait before an attempt, which are counted from 1."""
        import random  # here, since a script that is never cut off does not need it

        ceiling = min(self.max_delay, self.initial_delay * 2.0 ** min(attempt - 1, 60))
        return random.uniform(0, ceiling)


@attrs.frozen
class RateLimitPolicy:
    """The exchange's message budget, kept on this side.

    The exchange allows 12,000 units of weight in 60 seconds for each user, in two buckets: cancels, and the rest. The
    defaults let `burst` units go at once and refill so slowly that no window of 60 seconds holds more than 12,000.

    Parameters
    ----------
    units_per_second : float
        Refill rate of each bucket.
    burst : float
        Units that may go at once.
    retry_after : float
        Seconds to pause after the exchange said "rate limited" without saying for how long.
    """

    units_per_second: float = attrs.field(default=190.0, validator=attrs.validators.gt(0))
    burst: float = attrs.field(default=600.0, validator=attrs.validators.ge(5))
    retry_after: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))
