"""The short form of the soak; ``make soak`` runs the long one (R23 to R31, R33)."""

from __future__ import annotations

import logging

import pytest

from tests.soak.soak import Soak


@pytest.fixture(autouse=True)
def _no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Silence the log: the soak causes the failures itself."""
    caplog.set_level(logging.CRITICAL, "qfex")


@pytest.mark.parametrize("dialect", ["live", "documented"])
def test_r24_every_reported_outcome_is_true_while_connections_are_cut(dialect: str) -> None:
    soak = Soak(cuts=40, seed=7, dialect=dialect)
    soak.run()
    assert soak.lies == []
    assert soak.figures["connections lost"] >= 40
    assert soak.figures["calls"] > 500 and soak.figures["fills"] > 50
    assert soak.figures["unknown orders resolved"] > 0
