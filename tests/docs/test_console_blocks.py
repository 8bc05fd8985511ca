"""Every command in the documentation prints what the page shows."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from qfex.cli.app import cli
from qfex.sim import Simulator
from tests.docs.blocks import ROOT, Block, blocks_of, every_block
from tests.docs.printed import assert_printed

BLOCKS = [block for block in every_block("console") if block.is_run]
PROGRAM = "qfex-sync"


@dataclass(frozen=True)
class Command:
    """A command after a prompt, and the output that the page shows for it."""

    words: list[str]
    shown: str


def commands(block: Block) -> Iterator[Command]:
    """Return the commands of a block. A backslash at the end continues a line."""
    for part in block.text.replace("\\\n", " ").split("$ ")[1:]:
        line, _, shown = part.partition("\n")
        yield Command(shlex.split(line, comments=True), shown)


def run(command: Command) -> tuple[int, str]:
    """Run a command and return its exit code and output."""
    if command.words[0] == PROGRAM:
        result = CliRunner().invoke(cli, command.words[1:], prog_name=PROGRAM)
        return result.exit_code, result.output
    assert command.words[0] == "python", "mark the block with `not run` and a reason"
    return run_script(command.words[1:])


def run_script(words: list[str]) -> tuple[int, str]:
    """Run a script of the repository on its own simulator."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("QFEX_")}
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**bare, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def write_files(block: Block, folder: Path) -> None:
    """Write the files that the page shows with a title."""
    for other in blocks_of(block.page):
        if other.title:
            (folder / other.title).write_text(other.text, "utf-8")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_command_prints_what_the_page_shows(
    block: Block, exchange: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFEX_ENV", "sim")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    write_files(block, tmp_path)
    codes = []
    for command in commands(block):
        code, output = run(command)
        codes.append(code)
        if command.shown.strip():
            assert_printed(command.shown, output)
    expected = int(block.value) if block.mark == "exit code" else 0
    assert codes == [0] * (len(codes) - 1) + [expected]
