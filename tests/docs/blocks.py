"""The fenced blocks of the documentation, and the comments that control how the tests treat them.

The comment is directly above the block and is not visible to readers:

================================  ===============================================================================
``<!-- given: client, rest -->``  a snippet: these names, and all names of `qfex`, are defined before it runs
``<!-- prints -->``               a ``text`` block: the output of the Python block before it (``...`` matches anything)
``<!-- exit code: 3 -->``         a ``console`` block whose last command ends with this code
``<!-- add: where -->``           a part of the source file that the title names; see `additions`
``<!-- not run: why -->``         a block that the tests do not run
================================  ===============================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "samples" / "README.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)(?P<rest>.*)$")
_COMMENT = re.compile(r"^ *<!-- *(?P<name>given|prints|exit code|add|not run)(?:: *(?P<value>.*?))? *-->$")
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes
    ----------
    line : int
        Number of its first line of text, counted from 1.
    title : str
        Name of the file that it shows, or ``""``.
    mark, value : str
        Name and value of the comment above it.
    prints : str or None
        Output that the page shows for it, if any.
    """

    page: Path
    line: int
    language: str
    title: str
    text: str
    mark: str = ""
    value: str = ""
    prints: str | None = None

    @property
    def name(self) -> str:
        """Page and line number."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether the tests run the block by itself. Included files and additions have their own tests."""
        return self.mark not in ("not run", "add") and not self.text.startswith("--8<--")


def blocks_of(page: Path) -> list[Block]:
    """Return all blocks of a page, each with the output that the page shows for it."""
    joined: list[Block] = []
    for block in _fenced(page):
        if block.mark == "prints":
            joined[-1] = replace(joined[-1], prints=block.text)
        else:
            joined.append(block)
    return joined


def _fenced(page: Path) -> Iterator[Block]:
    lines = page.read_text("utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        end = _end(lines, number, fence["indent"], page)
        comment = _COMMENT.match(lines[number - 1]) if number else None
        title = _TITLE.search(fence["rest"])
        yield Block(
            page=page,
            line=number + 2,
            language=fence["language"],
            title=title[1] if title else "",
            text="".join(f"{line[len(fence['indent']) :]}\n" for line in lines[number + 1 : end]),
            mark=comment["name"] if comment else "",
            value=(comment["value"] or "") if comment else "",
        )
        number = end + 1


def _end(lines: list[str], fence: int, indent: str, page: Path) -> int:
    for number in range(fence + 1, len(lines)):
        if lines[number].rstrip() == f"{indent}```":
            return number
    raise ValueError(f"{page}:{fence + 1}: the block has no end")


def every_block(language: str) -> list[Block]:
    """Return all blocks of a language in the documentation."""
    return [block for page in PAGES for block in blocks_of(page) if block.language == language]
