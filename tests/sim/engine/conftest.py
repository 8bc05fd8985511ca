"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from .helpers import EngineHarness


@pytest.fixture
def harness() -> EngineHarness:
    """AAPL-USD with mark price 200, tick 0.01, lot 0.001, and an empty book."""
    return EngineHarness()
