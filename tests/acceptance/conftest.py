"""Fixtures of the tests that hold the public contract against exchanges that answer in other ways."""

from __future__ import annotations

from tests.reliability.conftest import Stage, stage

__all__ = ["Stage", "stage"]
