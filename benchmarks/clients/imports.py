"""Imports, each in a new interpreter; no connection is involved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import qfex
from benchmarks.processes import cache_folder
from benchmarks.timing import Sample

# Nothing but what every interpreter has loaded anyway may be imported before the clock starts.
_MEASURE = """
import sys, time
sys.path[0] = {library!r}
wall, cpu = time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
import json
print(json.dumps({{"mean_us": wall * 1e6, "cpu_us": cpu * 1e6, "modules": len(sys.modules)}}))
"""


class Imports:
    """Measures what a program pays before its first line runs."""

    def __init__(self, _url: str) -> None:
        assert qfex.__file__ is not None
        self._library = str(Path(qfex.__file__).parent.parent)
        # A user's packages were compiled when they were installed, whatever this process's environment says.
        byte_code = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(cache_folder() / "bytecode")}
        self._environment = {**os.environ, **byte_code}

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _measure(self, statement: str) -> Sample:
        code = _MEASURE.format(library=self._library, statement=statement)
        command = [sys.executable, "-c", code]
        printed = subprocess.run(command, env=self._environment, stdout=subprocess.PIPE, check=True).stdout
        sample: Sample = json.loads(printed)
        return sample

    def dependencies(self) -> Sample:
        """Import the packages that the library depends on."""
        return self._measure("import websocket, attrs, cattrs, requests")

    def package(self) -> Sample:
        """Import the package."""
        return self._measure("import qfex")

    def trade_client(self) -> Sample:
        """Import the client of the trade gateway."""
        return self._measure("from qfex import TradeClient")
