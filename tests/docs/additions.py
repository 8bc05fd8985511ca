"""The steps of a page that add to the source, applied to a copy of it.

The comment above a block says where its text goes in the file that the title names:

============================  =======================================================
``<!-- add: at the end -->``    after the last line
``<!-- add: before "x" -->``    before the first line that starts with ``x``
``<!-- add: as a new file -->``  as the whole text
============================  =======================================================
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.docs.blocks import ROOT, Block, blocks_of

#: The parts of the repository that are copied: the package, its tests, the pages, and the settings of the tools.
COPIED = ("qfex", "tests", "docs", "setup.cfg", "ruff.toml")


def steps_of(page: Path) -> list[Block]:
    """The additions of a page, in their order."""
    return [block for block in blocks_of(page) if block.mark == "add"]


def copy_source(folder: Path, page: Path) -> None:
    """Copy the source, its tests, and the pages without the one that describes the steps."""
    ignored = shutil.ignore_patterns("__pycache__", "images", page.name)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)


def apply(steps: Sequence[Block], folder: Path) -> None:
    """Apply additions to the files of a copy."""
    for step in steps:
        path = folder / step.title
        path.write_text(added(path, step), "utf-8")


def added(path: Path, step: Block) -> str:
    """The text of a file with an addition.

    Raises
    ------
    ValueError
        If the file has no such line.
    """
    if step.value == "as a new file":
        return step.text
    text = path.read_text("utf-8")
    if step.value == "at the end":
        return f"{text}\n\n{step.text}"
    anchor = step.value.removeprefix('before "').removesuffix('"')
    lines = text.splitlines(keepends=True)
    place = next((number for number, line in enumerate(lines) if line.startswith(anchor)), None)
    if place is None:
        raise ValueError(f"{step.name}: no line of {step.title} starts with {anchor!r}")
    return "".join([*lines[:place], step.text, _blank_lines(step.text), *lines[place:]])


def _blank_lines(text: str) -> str:
    """Blank lines between a definition and the next; entries of tables have none."""
    if not text.lstrip().startswith(("def ", "class ")):
        return ""
    return "\n" if text.startswith(" ") else "\n\n"
