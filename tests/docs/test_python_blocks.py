"""Every Python block of the documentation runs on a simulator, each in its own namespace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import qfex
from qfex.sim import Simulator
from tests.docs.blocks import ROOT, Block, every_block
from tests.docs.printed import assert_printed

BLOCKS = [block for block in every_block("python") if block.is_run]
TESTS = [block for block in BLOCKS if block.title.startswith("test_")]
PROGRAMS = [block for block in BLOCKS if block not in TESTS]


class Setup:
    """Creates the objects that snippets assume."""

    def __init__(self, exchange: Simulator, stack: ExitStack) -> None:
        self._exchange = exchange
        self._stack = stack
        self._makers: dict[str, Callable[[], Any]] = {
            "exchange": lambda: exchange,
            "client": self.client,
            "market": lambda: self._enter(qfex.MarketDataClient(exchange.environment)),
            "rest": lambda: self._enter(qfex.RestClient(exchange.environment, exchange.credentials)),
            "credentials": lambda: exchange.credentials,
        }

    def names(self, wanted: str) -> dict[str, Any]:
        """Return the objects of a ``given`` comment and all public names of the package."""
        public = {name: getattr(qfex, name) for name in qfex.__all__}
        return {**public, **{name.strip(): self._makers[name.strip()]() for name in wanted.split(",")}}

    def client(self) -> Any:
        """Return a connected trade client."""
        return self._enter(qfex.TradeClient(self._exchange.environment, self._exchange.credentials))

    def _enter(self, context: Any) -> Any:
        return self._stack.enter_context(context)


def run(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block so that tracebacks show the line numbers of its page."""
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, str(block.page), "exec"), namespace)


@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.name)
def test_a_python_block_runs(
    block: Block,
    exchange: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        given = Setup(exchange, stack).names(block.value) if block.mark == "given" else {}
        run(block, {"__name__": "__main__", **given})
    printed = capsys.readouterr().out
    if block.prints is not None:
        assert_printed(block.prints, printed)


@pytest.mark.parametrize("block", TESTS, ids=lambda block: block.name)
def test_a_test_on_a_page_passes(block: Block, tmp_path: Path) -> None:
    (tmp_path / block.title).write_text(block.text, "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout
