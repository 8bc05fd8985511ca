"""Events and counters of the client itself: connection, errors and statistics."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..enums import ConnectionState


@attrs.frozen
class ConnectionEvent:
    """A change of the connection state.

    Attributes
    ----------
    state : ConnectionState
        The new state.
    attempt : int
        Number of the current attempt to connect, counted from 1. 0 if no attempt is in progress.
    gap_start, gap_end : datetime or None
        Start and end of an outage: the time of the last data on the lost connection, and the time at which
        subscriptions, open orders and fills were restored. Both are set only on the ``READY`` event that ends the
        outage.
    reason : str
        The reason for the change, as text.
    """

    state: ConnectionState
    attempt: int = 0
    gap_start: datetime | None = None
    gap_end: datetime | None = None
    reason: str = ""


@attrs.frozen
class ErrorEvent:
    """A problem that concerns no particular call.

    Attributes
    ----------
    kind : str
        One of

        - ``"exchange"``: the exchange sent an error that answers no request of this client;
        - ``"undecodable"``: a message could not be decoded;
        - ``"sequence gap"``: market data messages are missing;
        - ``"subscription"``: a market data subscription could not be restored; the client goes on to try;
        - ``"implausible time"``: a market data message has a time in the far future;
        - ``"recovery"``: the state of the account could not be read, at the start or after an outage;
        - ``"connection"``: the client gave up its connection, for example because the credentials were refused;
        - ``"slow consumer"``: callbacks are too slow, so the connection is closed until they have caught up;
        - ``"callback"``: a callback raised an exception;
        - ``"internal"``: the client failed to process a message.
    message : str
        Description of the problem.
    text : str
        The raw message without credentials, or ``""`` if there is none.
    error : BaseException or None
        The exception, if there is one.
    """

    kind: str
    message: str
    text: str = ""
    error: BaseException | None = None


@attrs.frozen
class Stats:
    """Counters of a client, counted since it was created.

    Attributes
    ----------
    sent, received : int
        Number of messages, without WebSocket control frames.
    pending : int
        Requests that are not answered yet.
    reconnects : int
        Connections restored after a loss.
    queue_depth : int
        Events that wait for the dispatcher thread.
    dropped : int
        Events that slow consumers missed.
    conflated : int
        Events that a newer event of the same symbol replaced before a slow consumer read them.
    sequence_gaps : int
        Gaps in the sequence of market data messages. A gap counts once, however many messages are missing.
    unconfirmed : int
        Orders whose state may have changed without a message, and is being asked for.
    callback_errors : int
        Exceptions raised by callbacks.
    round_trip_p50, round_trip_p90, round_trip_p99 : float or None
        Percentiles of the time from request to answer in seconds, over the newest 1,000 answered requests. None before
        the first answer.
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
    unconfirmed: int = 0
    round_trip_p50: float | None = None
    round_trip_p90: float | None = None
    round_trip_p99: float | None = None
