"""Fixtures of all simulator tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sim.clients import RawClient


@pytest.fixture(autouse=True)
def close_clients() -> Iterator[None]:
    """Close the connections that a test has left open."""
    yield
    while RawClient.opened:
        RawClient.opened.pop().vanish()
