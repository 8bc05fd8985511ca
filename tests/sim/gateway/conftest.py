"""Fixtures of the gateway's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .helpers import GatewayHarness


@pytest.fixture
def harness() -> Iterator[GatewayHarness]:
    """A gateway in the live dialect. The simulator itself must not fail."""
    made = GatewayHarness("live")
    yield made
    assert made.audit.errors == []


@pytest.fixture
def documented_harness() -> Iterator[GatewayHarness]:
    """A gateway in the documented dialect."""
    made = GatewayHarness("documented")
    yield made
    assert made.audit.errors == []


@pytest.fixture(params=["live", "documented"])
def any_harness(request: pytest.FixtureRequest) -> Iterator[GatewayHarness]:
    """A gateway in each dialect, for behaviour that they share."""
    made = GatewayHarness(request.param)
    yield made
    assert made.audit.errors == []
