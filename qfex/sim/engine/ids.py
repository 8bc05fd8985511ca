"""Identifiers: they look like random UUIDs but depend only on the seed."""

from __future__ import annotations

import hashlib
import random
import uuid


class Ids:
    """A stream of version 4 UUIDs from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._bits = random.Random(f"{seed}:ids").getrandbits

    def new(self) -> str:
        """Return the next id."""
        text = f"{self._bits(128):032x}"
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def derived_id(*parts: str) -> str:
    """Return an id that depends only on `parts`, so that a query never changes the ids that follow."""
    digest = hashlib.md5(":".join(parts).encode(), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest, version=4))
