"""Few blocks of the documentation are not run, and each for a reason."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from qfex.rebalance.targets import load_toml
from tests.docs.blocks import PAGES, ROOT, Block, blocks_of, every_block

BLOCKS = [block for page in PAGES for block in blocks_of(page)]

#: Reason for not running a block -> number of such blocks.
NOT_RUN = {
    "installs packages": 4,
    "these keys are none": 3,
    "waits until Ctrl-C": 3,
    "waits until the client ends": 1,
    "takes a terminal for half a minute; its own tests run it": 2,
    "the tests are what runs": 1,
    "needs a login server": 1,
    "the fixtures need an installed package": 1,
}


def test_every_block_is_run_except_for_known_reasons() -> None:
    reasons = Counter(block.value for block in BLOCKS if block.mark == "not run")
    assert reasons == NOT_RUN


def test_many_blocks_are_run() -> None:
    run = Counter(block.language for block in BLOCKS if block.is_run)
    assert run["python"] > 60 and run["console"] > 12


def test_every_language_has_a_test() -> None:
    assert {block.language for block in BLOCKS} <= {"python", "console", "text", "toml", "sh", "markdown"}


@pytest.mark.parametrize("block", every_block("toml"), ids=lambda block: block.name)
def test_toml_blocks_are_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "block.toml").write_text(block.text, "utf-8")
    assert load_toml(tmp_path / "block.toml")


@pytest.mark.parametrize("block", every_block("sh"), ids=lambda block: block.name)
def test_shell_scripts_are_valid(block: Block) -> None:
    subprocess.run(["sh", "-n"], input=block.text, text=True, check=True, timeout=10)


def test_included_files_exist_and_are_lessons() -> None:
    included = [block.text.strip() for block in BLOCKS if block.text.startswith("--8<--")]
    paths = [ROOT / match[1] for text in included if (match := re.fullmatch(r"--8<--\n(.+)\n--8<--", text))]
    assert len(paths) == len(included)
    lessons = sorted((ROOT / "samples").glob("[0-9][0-9]_*.py"))
    assert sorted(paths) == sorted([ROOT / "samples" / "exchange.py", *lessons])


@pytest.mark.parametrize(
    "path", sorted((ROOT / "samples").glob("[0-9][0-9]_*.py")), ids=lambda path: path.stem
)
def test_the_lessons_page_contains_the_text_of_the_lesson(path: Path) -> None:
    page = " ".join((ROOT / "docs" / "lessons.md").read_text("utf-8").split())
    first_paragraph = path.read_text("utf-8").split('"""')[1].partition("\n\n")[2]
    for sentence in " ".join(first_paragraph.split()).split(". "):
        if ".ipynb" not in sentence:
            assert sentence.rstrip(".") in page


def test_the_parser_finds_comments_titles_and_outputs(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '<!-- given: client -->\n```python title="a.py"\nx = 1\n```\n\n<!-- prints -->\n```text\n1\n```\n'
        "??? note\n    ```console\n    $ ls\n    ```\n<!-- not run: why -->\n```python\ny\n```\n"
    )
    first, second, third = blocks_of(page)
    assert (first.mark, first.value, first.title, first.text) == ("given", "client", "a.py", "x = 1\n")
    assert (first.line, first.prints, first.is_run) == (3, "1\n", True)
    assert (second.language, second.text, second.line) == ("console", "$ ls\n", 12)
    assert not third.is_run and third.value == "why"


def test_a_block_without_an_end_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n")
    with pytest.raises(ValueError, match="has no end"):
        blocks_of(page)
