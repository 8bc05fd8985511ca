"""What goes wrong at a venue, decided by a random generator of its own."""

from __future__ import annotations

import random

from .options import Disturbances

_LATE = (0.2, 1.5)  # seconds
_STALL = (0.2, 1.2)  # seconds
_FEW_BYTES = 600


class Faults:
    """Decides what goes wrong. Nothing does once `calm` is set.

    Parameters
    ----------
    disturbances : Disturbances
    seed : str
    """

    def __init__(self, disturbances: Disturbances, seed: str) -> None:
        self.disturbances = disturbances
        self.calm = False
        self._random = random.Random(seed)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return self._random.random() < probability and not self.calm

    def error(self) -> tuple[str, str] | None:
        """Code and text of an error that a request meets, if it does."""
        if not self.happens(self.disturbances.errors):
            return None
        if self._random.random() < 0.5:
            return "ServerError", "internal error"
        return "RateLimited", "12000 units per 60 seconds exceeded, retry after 200 ms"

    def late(self) -> float | None:
        """Seconds by which a reply is late, if it is."""
        return self._random.uniform(*_LATE) if self.happens(self.disturbances.late) else None

    def missing(self) -> bool:
        """Whether a reply never comes."""
        return self.happens(self.disturbances.missing)

    def duplicate(self) -> float | None:
        """Seconds after which a message is sent again, if it is."""
        if not self.happens(self.disturbances.duplicates):
            return None
        return self._random.choice((0.0, 0.05))

    def refused(self) -> bool:
        """Whether a new order is rejected."""
        return self.happens(self.disturbances.refusals)

    def life(self) -> int | None:
        """Bytes after which a new connection is cut, if it is."""
        return self._random.randrange(_FEW_BYTES) if self.happens(self.disturbances.short_lives) else None

    def cut(self, seconds: float) -> str | None:
        """How a connection is cut within some seconds, if it is."""
        if not self.happens(self.disturbances.cuts * seconds):
            return None
        return self._random.choice(self.disturbances.cut_kinds)

    def bytes_left(self) -> int:
        """Bytes after which a connection is cut."""
        return self._random.randrange(1, _FEW_BYTES)

    def stall(self, seconds: float) -> float | None:
        """For how long a connection stalls, if it does within some seconds."""
        return self._random.uniform(*_STALL) if self.happens(self.disturbances.stalls * seconds) else None

    def choice(self, count: int) -> int:
        """One of some possibilities."""
        return self._random.randrange(count)

    def fraction(self) -> float:
        """A number between 0 and 1."""
        return self._random.random()
