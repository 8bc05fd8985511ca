"""Whatever happens for a while, once it is quiet every client agrees with the exchange within five seconds.

Each history is random and replayable: ``python -m tests.model SEED``. Thousands of them are run by ``make soak``.
"""

from __future__ import annotations

import pytest

from .history import run
from .options import Options


def test_all_agree_after_a_friendly_history() -> None:
    report = run(1, Options())
    assert not report.found, str(report)


@pytest.mark.parametrize(
    "seed", [*range(1, 9), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(9, 41))]
)
def test_all_agree_after_a_disturbed_history(seed: int) -> None:
    report = run(seed, Options.drawn(seed))
    assert not report.found, str(report)
