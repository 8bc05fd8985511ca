"""The virtual environment of the exchange's own SDK, whose import name is that of the library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import Unavailable, cache_folder

REQUIREMENT = "qfex==0.1.0"


def python() -> str:
    """Return the environment's interpreter. The first call makes the environment.

    Raises
    ------
    Unavailable
        The SDK cannot be installed, for example because there is no network.
    """
    interpreter = _interpreter()
    if not installed():
        _run([sys.executable, "-m", "venv", "--clear", str(interpreter.parent.parent)])
        _run([str(interpreter), "-m", "pip", "install", "--quiet", REQUIREMENT])
    return str(interpreter)


def _interpreter() -> Path:
    folder = cache_folder() / "sdk-{}.{}".format(*sys.version_info)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed() -> bool:
    """Return whether the environment exists and has the SDK."""
    interpreter = _interpreter()
    if not interpreter.exists():
        return False
    probe = [str(interpreter), "-c", "import qfex.client"]
    return subprocess.run(probe, cwd=cache_folder(), capture_output=True).returncode == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=cache_folder(), capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"the SDK is not available: {done.stderr.strip()[-300:]}")
