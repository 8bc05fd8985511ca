"""Run the notebooks of the course, keep their outputs in them, and take their pictures into the documentation.

``python docs/tools/notebooks.py [FOLDER]``: with a folder, everything goes there, and the originals stay as they are.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "samples"
IMAGES = ROOT / "docs" / "images"
LIMIT = 120  # seconds for a cell; the slowest takes five


def execute(path: Path) -> Any:
    """Run a notebook in its own folder and return it with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.pop("execution_count", None)
    client = NotebookClient(notebook, timeout=LIMIT, resources={"metadata": {"path": str(path.parent)}})
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times would make every run a different file
    return notebook


def pictures(notebook: Any) -> list[bytes]:
    """Return the PNG pictures in a notebook's outputs."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    encoded = [output.get("data", {}).get("image/png") for output in outputs]
    return [base64.b64decode(picture) for picture in encoded if picture]


def main() -> None:
    """Run all notebooks and save their pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for path in sorted(SAMPLES.glob("*.ipynb")):
        notebook = execute(path)
        nbformat.write(notebook, (folder or SAMPLES) / path.name)
        for number, picture in enumerate(pictures(notebook), 1):
            ((folder or IMAGES) / f"{path.stem}_{number}.png").write_bytes(picture)
        print(path.name)


if __name__ == "__main__":
    main()
