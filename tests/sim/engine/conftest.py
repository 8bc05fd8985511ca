"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from .helpers import Arena


@pytest.fixture
def arena() -> Arena:
    """AAPL-USD at a mark price of 200, tick 0.01, lot 0.001, and nobody in the book."""
    return Arena()
