"""The exchange's rate limit: 12,000 weight units a minute, exponentially smoothed, in each of two buckets."""

from __future__ import annotations

import math

WINDOW = 60.0
LIMIT = 12_000.0


class Meter:
    """An exponentially smoothed sum of weights over the last minute."""

    __slots__ = ("level", "updated")

    def __init__(self, now: float) -> None:
        self.level = 0.0
        self.updated = now

    def spend(self, weight: float, limit: float, now: float) -> float:
        """Add ``weight`` and return 0, or add nothing and return the seconds until it would fit."""
        self.level *= math.exp((self.updated - now) / WINDOW)
        self.updated = now
        if self.level + weight <= limit:
            self.level += weight
            return 0.0
        return WINDOW * math.log(self.level / max(limit - weight, 1e-9))


class RateLimiter:
    """The message budgets of all users; a user's connections and keys share them.

    Parameters
    ----------
    limit : float, optional
        Weight units a minute in each bucket; None switches the limit off.
    """

    def __init__(self, limit: float | None = LIMIT) -> None:
        self.limit = limit
        self._meters: dict[tuple[str, str], Meter] = {}

    def spend(self, user_id: str, bucket: str, weight: float, now: float) -> float:
        """Return 0 if the message is within the budget, otherwise the seconds to wait."""
        if self.limit is None:
            return 0.0
        meter = self._meters.get((user_id, bucket))
        if meter is None:
            meter = self._meters[user_id, bucket] = Meter(now)
        return meter.spend(weight, self.limit, now)

    def level(self, user_id: str, bucket: str) -> float:
        """Return the weight units that were used at the user's last message."""
        meter = self._meters.get((user_id, bucket))
        return meter.level if meter else 0.0
