"""Every command line that the documentation shows works as shown."""

from __future__ import annotations

import doctest
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from qfex.cli.app import cli
from qfex.sim import Simulator
from tests.docs.blocks import Block, blocks_of, every_block

BLOCKS = [block for block in every_block("console") if block.is_run]
PROGRAM = "qfex-sync"


@dataclass(frozen=True)
class Command:
    """One line after a prompt, and what the page shows below it."""

    words: list[str]
    shown: str


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block; a backslash at the end continues a line."""
    for part in block.text.replace("\\\n", " ").split("$ ")[1:]:
        line, _, shown = part.partition("\n")
        yield Command(shlex.split(line, comments=True), shown)


def lay_out(block: Block, folder: Path) -> None:
    """Write the files that the page shows by name."""
    for other in blocks_of(block.page):
        if other.title:
            (folder / other.title).write_text(other.text, "utf-8")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_command_does_what_the_page_shows(
    block: Block, exchange: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFEX_ENV", "sim")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    lay_out(block, tmp_path)
    codes = []
    for command in commands(block):
        assert command.words[0] == PROGRAM, "mark it `not run`, and say why"
        result = CliRunner().invoke(cli, command.words[1:], prog_name=PROGRAM)
        codes.append(result.exit_code)
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        same = doctest.OutputChecker().check_output(command.shown, result.output, options)
        assert same or not command.shown.strip(), (
            f"{command.words}\n{command.shown}\nis really\n{result.output}"
        )
    expected = int(block.value) if block.mark == "exit code" else 0
    assert codes == [0] * (len(codes) - 1) + [expected]
