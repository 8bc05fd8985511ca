"""Comparison of the outputs in the documentation with real ones."""

from __future__ import annotations

import doctest

_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def assert_printed(expected: str, printed: str) -> None:
    """Compare two outputs. ``...`` matches anything, and the amount of white space does not matter."""
    same = doctest.OutputChecker().check_output(expected, printed, _OPTIONS)
    assert same, f"the page shows\n{expected}\nbut the real output is\n{printed}"
