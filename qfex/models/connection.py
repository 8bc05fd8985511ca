"""What the client itself reports: its connection, its errors, its counters."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..enums import ConnectionState


@attrs.frozen
class ConnectionEvent:
    """A change of the connection.

    Attributes
    ----------
    state : ConnectionState
        The new state.
    attempt : int
        Number of the attempt to connect, from 1; 0 where none is under way.
    gap_start, gap_end : datetime or None
        When the line was last heard before it was lost, and when it was whole again. Both are set on the
        ``READY`` that ends an outage, after subscriptions, open orders and fills were restored.
    reason : str
        Why, in words.
    """

    state: ConnectionState
    attempt: int = 0
    gap_start: datetime | None = None
    gap_end: datetime | None = None
    reason: str = ""


@attrs.frozen
class ErrorEvent:
    """Something that went wrong and belongs to no call.

    Attributes
    ----------
    kind : str
        ``"exchange"`` (an error message without a known origin), ``"undecodable"``, ``"unexpected"`` (a message that
        answers nobody), ``"callback"``, ``"sequence gap"``, ``"recovery"``, ``"slow consumer"``, ``"internal"``.
    message : str
        In words.
    text : str
        The raw message, where there is one, without credentials.
    error : BaseException or None
        The exception, where there is one.
    """

    kind: str
    message: str
    text: str = ""
    error: BaseException | None = None


@attrs.frozen
class Stats:
    """Counters of a client since it was made.

    Attributes
    ----------
    sent, received : int
        Messages, control frames not included.
    pending : int
        Requests without an answer yet.
    reconnects : int
        Lines restored after a loss.
    queue_depth : int
        Events that wait for the dispatcher thread.
    dropped : int
        Events that slow consumers missed.
    conflated : int
        Events replaced by a newer one of the same symbol before a slow consumer took them.
    sequence_gaps : int
        Gaps in the sequence of market data messages, whatever the number of messages missing in each.
    callback_errors : int
        Exceptions that callbacks raised.
    round_trip_p50, round_trip_p90, round_trip_p99 : float or None
        Seconds from sending to answer, over the newest 1,000 answered requests; None before the first.
    """

    sent: int = 0
    received: int = 0
    pending: int = 0
    reconnects: int = 0
    queue_depth: int = 0
    dropped: int = 0
    conflated: int = 0
    sequence_gaps: int = 0
    callback_errors: int = 0
    round_trip_p50: float | None = None
    round_trip_p90: float | None = None
    round_trip_p99: float | None = None
