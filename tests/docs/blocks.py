"""The fenced blocks of the documentation, and what the comments before them say about them.

A comment on the line above a block tells the tests how to treat it; readers do not see it:

===============================  ================================================================================
``<!-- given: client, rest -->``  a fragment: these names exist already, and so does everything of `qfex`
``<!-- prints -->``               a ``text`` block: what the Python block before it prints (``...`` stands for anything)
``<!-- exit code: 3 -->``         a ``console`` block whose last command ends with this code
``<!-- not run: why -->``         a block that the tests leave alone
===============================  ================================================================================
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "samples" / "README.md", *(ROOT / "docs").rglob("*.md")])

_OPENING = re.compile(r"^(?P<indent> *)```(?P<language>\w+)(?P<rest>.*)$")
_COMMENT = re.compile(r"^ *<!-- *(?P<name>given|prints|exit code|not run)(?:: *(?P<value>.*?))? *-->$")
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes
    ----------
    line : int
        Of its first line of text, counted from 1.
    title : str
        The name of the file that it shows, or "".
    mark, value : str
        What the comment before it says.
    prints : str or None
        What it must print, where the page says so.
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
        """Where it is."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether the tests run it. What is included from elsewhere is tested there."""
        return self.mark != "not run" and not self.text.startswith("--8<--")


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, the printed outputs joined to the blocks that print them."""
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
        opening = _OPENING.match(lines[number])
        if opening is None:
            number += 1
            continue
        end = _end(lines, number, opening["indent"], page)
        comment = _COMMENT.match(lines[number - 1]) if number else None
        title = _TITLE.search(opening["rest"])
        yield Block(
            page=page,
            line=number + 2,
            language=opening["language"],
            title=title[1] if title else "",
            text=textwrap.dedent("\n".join(lines[number + 1 : end])) + "\n",
            mark=comment["name"] if comment else "",
            value=(comment["value"] or "") if comment else "",
        )
        number = end + 1


def _end(lines: list[str], opening: int, indent: str, page: Path) -> int:
    for number in range(opening + 1, len(lines)):
        if lines[number].rstrip() == f"{indent}```":
            return number
    raise ValueError(f"{page}:{opening + 1}: the block has no end")


def every_block(language: str) -> list[Block]:
    """All blocks of a language in the documentation."""
    return [block for page in PAGES for block in blocks_of(page) if block.language == language]
