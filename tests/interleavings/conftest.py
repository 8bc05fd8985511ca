"""These tests need the scheduler of `frontrun`, which replaces locks: see ``make interleavings``."""

from __future__ import annotations

import os

import pytest

collect_ignore_glob = [] if os.environ.get("FRONTRUN_ACTIVE") == "1" else ["test_*.py"]

if not collect_ignore_glob:
    from tests.interleavings.support import controlled_locks

    @pytest.fixture(autouse=True)
    def locks_that_the_scheduler_controls(monkeypatch: pytest.MonkeyPatch) -> None:
        controlled_locks(monkeypatch)
