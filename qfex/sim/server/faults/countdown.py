"""Something of which so much may pass, and no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Countdown:
    """How many frames or bytes may still pass before the connection that carries the last one is cut.

    Attributes
    ----------
    left : int
        What is left.
    reset : bool
        Whether the cut is an RST rather than a FIN.
    connection : int, optional
        Only what this connection carries counts.
    """

    left: int
    reset: bool
    connection: int | None = None

    def take(self, wanted: int) -> int:
        """Return how much of ``wanted`` may pass, and count it."""
        passing = min(wanted, self.left)
        self.left -= passing
        return passing

    @property
    def spent(self) -> bool:
        """Whether it is time to cut."""
        return self.left <= 0
