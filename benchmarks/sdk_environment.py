"""The virtual environment of the exchange's own SDK, whose import name is that of the library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import WorkerFailed, cache_folder

REQUIREMENT = "qfex==0.1.0"


def python() -> str:
    """Return the environment's interpreter, making the environment at the first call.

    Raises
    ------
    WorkerFailed
        The SDK cannot be installed here, for want of a network for example.
    """
    folder = cache_folder() / "sdk-{}.{}".format(*sys.version_info)
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not _has_sdk(interpreter):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(interpreter), "-m", "pip", "install", "--quiet", REQUIREMENT])
    return str(interpreter)


def _has_sdk(interpreter: Path) -> bool:
    if not interpreter.exists():
        return False
    probe = [str(interpreter), "-c", "import qfex.client"]
    return subprocess.run(probe, cwd=cache_folder(), capture_output=True).returncode == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=cache_folder(), capture_output=True, text=True)
    if done.returncode:
        raise WorkerFailed(f"the SDK is not available: {done.stderr.strip()[-300:]}")
