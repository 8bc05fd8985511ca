"""The notebooks run from top to bottom and draw charts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "samples").glob("*.ipynb"))
LIMIT = 110.0  # seconds for all notebooks; they take about ten seconds
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebooks after a new run."""
    folder = tmp_path_factory.mktemp("notebooks")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("QFEX_")}
    command = [sys.executable, str(ROOT / "docs" / "tools" / "notebooks.py"), str(folder)]
    variables = {**bare, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
    result = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert result.returncode == 0, result.stderr
    return folder


def outputs(path: Path) -> list[dict[str, Any]]:
    """All outputs of the cells of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]


def texts(path: Path) -> str:
    return "".join("".join(output.get("text", [])) for output in outputs(path))


def test_there_are_two_notebooks() -> None:
    assert len(NOTEBOOKS) == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_draws_a_chart(path: Path, renewed: Path) -> None:
    given = outputs(renewed / path.name)
    assert [output["output_type"] for output in given if output["output_type"] == "error"] == []
    assert "trades" in texts(renewed / path.name)
    assert (renewed / f"{path.stem}_1.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stored_outputs_of_a_notebook_are_up_to_date(path: Path, renewed: Path) -> None:
    # The simulator is seeded, so the outputs stored in the notebook are those of every run.
    assert texts(path) == texts(renewed / path.name)
