"""The exchange's own Python SDK, unmodified except for its URLs, trades with the simulator."""

from __future__ import annotations

import subprocess
from decimal import Decimal

import pytest
from official_sdk import environment_path, install, run


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_the_official_sdk_trades_with_the_simulator() -> None:
    try:
        python = install(environment_path())
    except (subprocess.SubprocessError, OSError) as reason:
        pytest.skip(f"the SDK cannot be installed here: {reason}")
    report = run(python)
    assert Decimal(report["bid"]) < Decimal(report["ask"])
    assert (report["filled"]["status"], report["filled"]["quantity_remaining"]) == ("FILLED", 0)
    assert (report["unfilled"]["status"], report["unfilled"]["quantity_remaining"]) == ("CANCELLED", 1)
    assert report["closed"]["status"] == "FILLED"
    assert report["fills"] == ["1.0", "1.0"]
    assert report["trades"] >= 1
    assert Decimal(report["lost"]) > Decimal(report["ask"]) - Decimal(report["bid"])
