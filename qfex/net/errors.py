"""What can happen to a connection. Internal: `qfex.errors` has what users see."""

from __future__ import annotations


class ConnectionEnded(Exception):
    """The connection is over.

    Attributes
    ----------
    reason : str
    code : int or None
        The close code, where the peer sent one.
    closed : bool
        Whether the client was closed.
    silent : bool
        Whether it ended because the peer was silent.
    """

    def __init__(
        self, reason: str, code: int | None = None, *, closed: bool = False, silent: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.closed = closed
        self.silent = silent


class SendFailed(Exception):
    """Messages were not sent, or not all of them.

    Attributes
    ----------
    begun : int
        How many of them, the first ones, may have left in part.
    """

    def __init__(self, reason: str, *, begun: int = 0) -> None:
        super().__init__(reason)
        self.begun = begun


class SendRefused(SendFailed):
    """A signal handler interrupted the sending of a message, so that nothing else can be sent until it returns."""
