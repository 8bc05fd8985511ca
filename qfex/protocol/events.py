"""Events for the user, and what becomes of them when they are not taken in time.

=============  ====================================  ============================================
policy         for                                   when the consumer is slow
=============  ====================================  ============================================
keep           orders, fills, errors, connection     everything is kept; a full queue is an error
conflate       positions, balances, books, prices,   only the newest of each symbol is kept
               candles
drop oldest    public trades                         the oldest are dropped and counted
=============  ====================================  ============================================
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import Any

import msgspec

from ..enums import OpenEnum


class Policy(Enum):
    """What becomes of events that are not taken in time."""

    KEEP = "keep"
    CONFLATE = "conflate"
    DROP_OLDEST = "drop oldest"


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event: on which channel, of which symbol or other key, and what.

    A struct, since one is made for each message: a quarter of a tuple's time, and less memory while it is queued. The
    garbage collector need not look at it: nothing that it holds refers back to it.
    """

    channel: OpenEnum
    key: Hashable
    value: Any
