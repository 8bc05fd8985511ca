"""What may end a rebalancing early."""

from __future__ import annotations

from ..errors import QfexError


class AlreadyRunning(QfexError):
    """Another run for the same account is under way; nothing was done."""
