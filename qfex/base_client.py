"""What both socket clients have in common: connecting and closing, callbacks and streams, counters."""

from __future__ import annotations

import atexit
import logging
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, NoReturn, TypeVar

from .arguments import seconds, whole
from .enums import ConnectionState, OpenEnum
from .environment import require_authorities
from .errors import NotConnected, QfexError, RequestTimeout, ValidationError
from .models.connection import Stats
from .policies import ReconnectPolicy, TransportOptions
from .protocol.connection import Endpoint
from .session.events import Registration
from .session.rate_limit import RateLimiter
from .session.requests import Requests
from .session.session import Session, end_forgotten_sessions
from .session.state import StateReader
from .session.streams import DEFAULT_SIZE, Stream
from .threads import Deadline

log = logging.getLogger("qfex")

_ChannelT = TypeVar("_ChannelT", bound=OpenEnum)
_ClientT = TypeVar("_ClientT", bound="BaseClient[Any]")

_open_clients: weakref.WeakSet[BaseClient[Any]] = weakref.WeakSet()


class BaseClient(Generic[_ChannelT]):
    """Connection, threads, callbacks and streams of a client.

    A client has up to two threads while it is connected: the reader (``qfex-...-reader``) owns the socket, the
    dispatcher (``qfex-...-dispatcher``), which the first callback starts, runs callbacks. Both are daemons and end with
    `close`. All methods may be called from any thread, callbacks included.
    """

    _channel_type: type[_ChannelT]

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        request_timeout: float,
        reconnect: ReconnectPolicy | None,
        options: TransportOptions,
        limiter: RateLimiter | None = None,
    ) -> None:
        self._request_timeout = seconds(request_timeout, "request_timeout")
        if self._request_timeout == 0:
            raise ValidationError("request_timeout", request_timeout, "must be above zero")
        self._ca_file = options.ca_file
        self._session = Session(name, endpoint, reconnect, options, limiter)
        self._requests = Requests(self._session)
        self._state = StateReader(self._session)
        # `PendingOrder`s keep the requests alive, and with them a client that is still in use.
        self._finalizer = weakref.finalize(self._requests, self._session.forget)
        self._finalizer.atexit = False

    # --- life --------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, and wait until the client is ready. Does nothing on a client that is.

        With a reconnect policy, failures that may pass are tried again until the request timeout is spent. A connect
        that failed may be called again.

        Raises
        ------
        AuthenticationError
            If the exchange refuses the credentials.
        NotConnected
            If the client is closed, or the connection cannot be made.
        RequestTimeout
            If the exchange does not answer in time.
        ConfigurationError
            If the file of certificate authorities cannot be read.
        """
        self._session.check_process()
        require_authorities(self._ca_file)
        self._session.start()
        _open_clients.add(self)
        try:
            self._session.ready_connection(Deadline(self._request_timeout))
        except BaseException as error:
            reason = self._session.failure or self._session.last_error
            if self._session.state is not ConnectionState.CLOSED:
                self._session.stop()
            if not isinstance(error, (QfexError, TimeoutError)):
                raise  # Ctrl-C
            raise reason or self._no_answer(error) from None
        self._on_ready()

    def _no_answer(self, error: Exception) -> Exception:
        if isinstance(error, QfexError):
            return error
        return RequestTimeout("the exchange did not answer within the time allowed", sent=False)

    def _on_ready(self) -> None:
        """Hook of the clients."""

    def close(self) -> None:
        """End the connection and both threads, within two seconds, from any thread, any number of times.

        Calls that wait elsewhere end at once. A closed client is spent: every call raises `NotConnected`.
        """
        self._session.close()
        self._finalizer.detach()
        _open_clients.discard(self)

    def __enter__(self: _ClientT) -> _ClientT:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> ConnectionState:
        """State of the connection."""
        return self._session.state

    @property
    def is_alive(self) -> bool:
        """Whether the client's reader thread runs: it is connected, or will be again."""
        return self._session.is_alive and self._session.failure is None

    def wait_until_ready(self, timeout: float | None = None) -> None:
        """Wait until the connection is up, after a loss for instance.

        Parameters
        ----------
        timeout : float or None
            Seconds; None means the request timeout.

        Raises
        ------
        NotConnected
            If there is no connection and none will come.
        RequestTimeout
            If it did not come in time.
        """
        try:
            self._session.ready_connection(self._deadline(timeout))
        except TimeoutError as error:
            raise RequestTimeout(f"not ready within the time allowed: {error}", sent=False) from None

    def block_for_close(self, timeout: float | None = None) -> None:
        """Wait until the client ends: the last line of a script whose callbacks do the work.

        Parameters
        ----------
        timeout : float or None
            Seconds; None waits for ever.

        Raises
        ------
        NotConnected
            When called inside a callback, which the end would wait for.
        QfexError
            The cause, if the client ended by itself.
        RequestTimeout
            If the client has not ended in time.
        """
        self._session.check_process()
        if self._session.events.dispatcher.is_current_thread:
            raise NotConnected("block_for_close cannot be called inside a callback")
        if not self._session.ended.wait(None if timeout is None else seconds(timeout)):
            raise RequestTimeout("the client is still running", sent=False)
        if self._session.failure is not None:
            raise self._session.failure

    # --- events ------------------------------------------------------------------------------------------------

    def on(self, channel: _ChannelT | str, callback: Callable[[Any], object]) -> Registration:
        """Call a function for each event of a channel, on the client's dispatcher thread.

        Events come one at a time and in order. The callback may call any method of the client. What it raises is
        logged, counted and reported on the errors channel; other callbacks still run.

        Returns
        -------
        Registration
            Its `cancel` removes the callback.
        """
        self._session.refuse_if_closed()
        named = self._channel_type.parse(channel, "channel")
        if not callable(callback):
            raise ValidationError("callback", callback, "must be callable")
        registration = self._session.events.dispatcher.register(named, callback, self)
        try:
            self._want(named)
        except BaseException:
            registration.cancel()
            raise
        return registration

    def stream(self, *channels: _ChannelT | str, maxsize: int = DEFAULT_SIZE) -> Stream[Any]:
        """Open an iterable queue of the events of some channels.

        Parameters
        ----------
        channels
            One or more channels; subscribed when needed.
        maxsize : int
            Events that are held at most; see `Stream` for what happens then.
        """
        self._session.refuse_if_closed()
        if not channels:
            raise ValidationError("channels", channels, "must name at least one channel")
        maxsize = whole(maxsize, "maxsize", 1)
        named = [self._channel_type.parse(channel, "channels") for channel in channels]
        hub = self._session.events.streams
        queue = hub.open(frozenset(named), self._session.endpoint.policy_of, maxsize)
        stream: Stream[Any] = Stream(hub, queue, self)
        try:
            for channel in named:
                self._want(channel)
        except BaseException:
            stream.close()
            raise
        return stream

    def _want(self, channel: _ChannelT) -> None:
        """Subscribe to a channel if that is needed; the clients say how."""

    # --- counters ----------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """Counters since the client was made."""
        session = self._session
        session.check_process()
        connection, events = session.current, session.events
        p50, p90, p99 = _percentiles(session.round_trips, 0.5, 0.9, 0.99)
        buffer = events.dispatcher.buffer
        return Stats(
            sent=session.lifecycle.sent,
            received=session.lifecycle.received,
            pending=connection.pending if connection else 0,
            reconnects=session.lifecycle.reconnects,
            queue_depth=len(buffer),
            dropped=buffer.dropped + events.streams.dropped,
            conflated=buffer.conflated + events.streams.conflated,
            sequence_gaps=self._sequence_gaps(),
            unconfirmed=self._open_questions(),
            callback_errors=events.dispatcher.callback_errors,
            round_trip_p50=p50,
            round_trip_p90=p90,
            round_trip_p99=p99,
        )

    def _sequence_gaps(self) -> int:
        return 0

    def _open_questions(self) -> int:
        return 0

    # --- helpers of the clients --------------------------------------------------------------------------------

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self._request_timeout if timeout is None else seconds(timeout))

    def _seconds(self, timeout: float | None) -> float:
        return self._request_timeout if timeout is None else seconds(timeout)

    def _request(self, command: Any, timeout: float | None) -> Any:
        return self._requests.request(command, self._seconds(timeout))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} has threads and a socket and cannot be pickled; make a new one"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}>"


def _percentiles(samples: Any, *fractions: float) -> Iterator[float | None]:
    ordered = sorted(samples.copy())
    for fraction in fractions:
        yield ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] if ordered else None


@atexit.register
def _close_forgotten() -> None:
    """End the clients that a script forgot, so that the exchange sees them go and no thread disturbs the exit."""
    for client in list(_open_clients):
        if client.state is not ConnectionState.CLOSED and client.is_alive:
            log.warning("%r was not closed; use it in a with block, or call close()", client)
            client.close()
    end_forgotten_sessions()
