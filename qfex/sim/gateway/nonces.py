"""Which nonces were used lately: none may repeat within fifteen minutes."""

from __future__ import annotations

from collections import deque

WINDOW = 15 * 60.0


class NonceBook:
    """Remembers the nonces of the last fifteen minutes, per key."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._ages: deque[tuple[float, tuple[str, str]]] = deque()

    def use(self, public_key: str, nonce: str, now: float) -> bool:
        """Note the nonce; return False when the key used it within the window already."""
        self._forget(now)
        entry = (public_key, nonce)
        if entry in self._seen:
            return False
        self._seen.add(entry)
        self._ages.append((now, entry))
        return True

    def _forget(self, now: float) -> None:
        while self._ages and now - self._ages[0][0] >= WINDOW:
            self._seen.discard(self._ages.popleft()[1])
