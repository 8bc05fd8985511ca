"""Fixtures of the gateway's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .helpers import Floor


@pytest.fixture
def floor() -> Iterator[Floor]:
    """The live dialect. Nothing that a test does may make the simulator itself fail."""
    made = Floor("live")
    yield made
    assert made.ledger.errors == []


@pytest.fixture
def pages() -> Iterator[Floor]:
    """The documented dialect."""
    made = Floor("documented")
    yield made
    assert made.ledger.errors == []


@pytest.fixture(params=["live", "documented"])
def either(request: pytest.FixtureRequest) -> Iterator[Floor]:
    """Both dialects, for what they have in common."""
    made = Floor(request.param)
    yield made
    assert made.ledger.errors == []
