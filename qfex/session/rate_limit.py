"""The message budget: one pair of token buckets for each account, shared by all clients of the process.

Existing limiters count whole calls, poll, or start threads of their own; the exchange's weights are fractions, and the
wait belongs in the calling thread, with its deadline.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from time import monotonic

from ..errors import NotConnected, RequestTimeout
from ..policies import RateLimitPolicy
from ..threads import Deadline, InnerMutex, Latch, Mutex


class TokenBucket:
    """A budget that refills steadily. `_mutex` guards the level and the time it was computed for.

    The reader thread also enters it while it holds the session's mutex, when a procedure wants to send.
    """

    def __init__(self, policy: RateLimitPolicy) -> None:
        self._policy = policy
        self._mutex = InnerMutex()
        self._level = policy.burst
        self._as_of = monotonic()

    def reserve(self, weight: float, deadline: Deadline | None) -> float | None:
        """Take `weight` units, perhaps in advance; only what is there now, without a deadline.

        Returns
        -------
        float or None
            Seconds to wait before sending; None, with nothing taken, if that outlasts the deadline.
        """
        with self._mutex:
            now = self._refill()
            wait = max(0.0, (weight - self._level) / self._policy.units_per_second) + self._as_of - now
            if wait > 0:
                left = 0.0 if deadline is None else deadline.remaining()
                if left is not None and wait > left:
                    return None
            self._level -= weight
            return wait

    def _refill(self) -> float:
        now = monotonic()
        if now >= self._as_of:  # otherwise it is paused until then
            refilled = self._level + (now - self._as_of) * self._policy.units_per_second
            self._level, self._as_of = min(self._policy.burst, refilled), now
        return now

    @property
    def level(self) -> float:
        """Units that may go now; below zero where some wait for their turn."""
        with self._mutex:
            self._refill()
            return self._level

    def pause(self, seconds: float) -> None:
        """Let nothing through for a while, because the exchange said so."""
        with self._mutex:
            self._level = min(self._level, 0.0)
            self._as_of = max(self._as_of, monotonic() + seconds)


class RateLimiter:
    """The general and the cancel bucket of one account: cancels never wait for orders."""

    def __init__(self, policy: RateLimitPolicy) -> None:
        self.policy = policy
        self._buckets = {"general": TokenBucket(policy), "cancel": TokenBucket(policy)}

    def acquire(self, weight: float, bucket: str, deadline: Deadline, interrupted: Latch) -> None:
        """Wait in the caller's thread until `weight` units may be sent.

        Parameters
        ----------
        interrupted : Latch
            Ends the wait early: the client was closed.

        Raises
        ------
        NotConnected
            If the wait was ended early.
        RequestTimeout
            With ``sent`` False, at once, if the wait would outlast the deadline.
        """
        wait = self._buckets[bucket].reserve(weight, deadline)
        if wait is None:
            raise RequestTimeout("the rate limit leaves no room within the time allowed", sent=False)
        if wait > 0 and interrupted.wait(wait):
            raise NotConnected("the client is closed")

    def takes(self, weight: float, bucket: str) -> bool:
        """Take `weight` units if they may be sent at once; whether they were."""
        return self._buckets[bucket].reserve(weight, None) is not None

    def pause(self, bucket: str | None, retry_after: float | None) -> None:
        """Obey the exchange when it says that a bucket is empty; the emptier one, where it does not say which."""
        chosen = bucket or min(self._buckets, key=lambda name: self._buckets[name].level)
        self._buckets[chosen].pause(self.policy.retry_after if retry_after is None else retry_after)


_mutex = Mutex()  # guards _limiters
_limiters: dict[tuple[Hashable, RateLimitPolicy], RateLimiter] = {}


def _begin_child() -> None:
    """Let a forked child begin with budgets of its own: its parent's threads may have held the locks of the others."""
    global _mutex
    _mutex = Mutex()
    _limiters.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)


def shared_limiter(account: Hashable, policy: RateLimitPolicy | None) -> RateLimiter | None:
    """The limiter that all clients of one account in this process share."""
    if policy is None:
        return None
    with _mutex:
        return _limiters.setdefault((account, policy), RateLimiter(policy))
