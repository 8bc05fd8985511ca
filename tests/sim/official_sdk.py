"""Runs the exchange's own Python SDK against the simulator.

``python tests/sim/official_sdk.py`` creates a virtual environment with ``qfex==0.1.0`` from the package index, then
runs `official_sdk_session.py` in it. The SDK knows only documented statuses, so the simulator speaks that dialect.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from qfex.sim import Simulator

REQUIREMENT = "qfex==0.1.0"
SESSION = Path(__file__).with_name("official_sdk_session.py")
INSTALL_SECONDS = 300
SESSION_SECONDS = 90
SYMBOL = "AAPL-USD"


def environment_path() -> Path:
    """Return where the SDK's virtual environment is kept between runs."""
    default = (
        Path(tempfile.gettempdir()) / f"qfex-sync-official-sdk-{sys.version_info[0]}{sys.version_info[1]}"
    )
    return Path(os.environ.get("QFEX_OFFICIAL_SDK_VENV", default))


def install(path: Path) -> Path:
    """Return the interpreter of an environment with the SDK; create the environment if it does not exist.

    Raises
    ------
    subprocess.SubprocessError
        If the package index cannot be reached.
    """
    python = path / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(path, with_pip=True)
    probe = [str(python), "-c", "import qfex.client"]
    if subprocess.run(probe, cwd=path, capture_output=True, env=_environment()).returncode:
        command = [str(python), "-m", "pip", "install", "--quiet", REQUIREMENT]
        subprocess.run(
            command, cwd=path, check=True, capture_output=True, timeout=INSTALL_SECONDS, env=_environment()
        )
    return python


def run(python: Path) -> dict[str, Any]:
    """Run one session of the SDK against a fresh simulator and return what it reports."""
    with Simulator(dialect="documented", symbols=[SYMBOL]) as sim:
        urls = (sim.environment.trade_url, sim.environment.market_data_url)
        keys = (sim.credentials.public_key, sim.credentials.secret_key)
        command = [str(python), str(SESSION), *urls, *keys, SYMBOL]
        finished = subprocess.run(
            command, capture_output=True, text=True, timeout=SESSION_SECONDS, env=_environment()
        )
    if finished.returncode:
        raise RuntimeError(f"the SDK's session failed:\n{finished.stderr}")
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


def _environment() -> dict[str, str]:
    """Return the process environment without PYTHONPATH, which could shadow the SDK with this project."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


if __name__ == "__main__":
    print(json.dumps(run(install(environment_path())), indent=2))
