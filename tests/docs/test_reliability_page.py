"""The table of requirements is complete and names only existing tests."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = re.findall(r"^\| R(\d+) \| (.+) \| (.+) \|$", PAGE, re.M)
REQUIREMENTS = range(1, 57)


def path_of(named: str) -> Path:
    return ROOT / (named if named.startswith("tests/") else f"tests/client/{named}")


def written_in(path: Path) -> set[str]:
    return set(re.findall(r"^def ((?:test_|nothing_outlives_)\w+)", path.read_text("utf-8"), re.M))


def test_every_requirement_has_one_row() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(REQUIREMENTS)


@pytest.mark.parametrize("number, title, cell", ROWS, ids=[f"R{row[0]}" for row in ROWS])
def test_every_named_test_exists(number: str, title: str, cell: str) -> None:
    entries = cell.split("<br>")
    assert entries and len(set(entries)) == len(entries)
    for entry in entries:
        named = re.fullmatch(r"`([\w./]+\.py)(?:::(\w+))?`", entry)
        assert named, f"R{number}: {entry} names no test"
        assert written_in(path_of(named[1])), f"R{number}: no tests in {named[1]}"
        assert named[2] is None or named[2] in written_in(path_of(named[1])), f"R{number}: no {entry}"


def test_every_requirement_has_a_test_and_every_such_test_is_named() -> None:
    """The name of such a test starts with the number of its requirement: ``test_r07_...``."""
    written = Counter[int]()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in written_in(path):
            if number := re.match(r"test_r(\d\d)[a-z]?_", name):
                written[int(number[1])] += 1
                row = ROWS[int(number[1]) - 1][2]
                assert f"{path.name}::{name}`" in row, f"{name} is not in the table"
    assert [number for number in REQUIREMENTS if not written[number]] == []
