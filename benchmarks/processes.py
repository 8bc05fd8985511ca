"""The processes of a run, as the process that directs it sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.timing import Sample

ROOT = Path(__file__).resolve().parent.parent
_CACHE = ROOT / ".bench"

# The checkout comes first on the module path for the library's own process, and last in the exchange's SDK's,
# whose package has the same import name. `-c` puts the working directory first, which is replaced.
_CHECKOUT_FIRST = "import sys; sys.path[0] = sys.argv.pop(1)"
_CHECKOUT_LAST = "import sys; sys.path.append(sys.argv.pop(1)); del sys.path[0]"
_WORKER = "; from benchmarks.worker import main; main(sys.argv[1:])"
_SERVER = "; from benchmarks.server.__main__ import main; main(sys.argv[1:])"

TASK_LIMIT = 600.0

_Self = TypeVar("_Self", bound="Process")


def cache_folder() -> Path:
    """Return the folder for logs and the SDK's environment; it tells git to ignore it."""
    _CACHE.mkdir(exist_ok=True)
    (_CACHE / ".gitignore").write_text("*\n")
    return _CACHE


class Unavailable(RuntimeError):
    """A contestant needs something that cannot be had here."""


class WorkerFailed(RuntimeError):
    """A worker could not start, reported an error or ended."""


class Process:
    """A child process that is talked to in lines, and that ends with the ``with`` block."""

    def __init__(
        self,
        code: str,
        arguments: Iterable[str],
        *,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        log_name: str = "process",
    ) -> None:
        folder = cache_folder()
        self._log_path = folder / f"{log_name}.log"
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [python, "-c", code, str(ROOT), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                text=True,
            )

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process by ending its input, and by force if that does not do."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self._process.poll() is not None

    def write_line(self, line: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read_line(self, limit: float = TASK_LIMIT) -> str:
        """Return the next line; a process that says nothing for `limit` seconds is killed."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(limit, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            name = self._log_path.stem
            raise WorkerFailed(f"{name} ended or was silent for {limit} s; see {self._log_path}")
        return line


class Server(Process):
    """The stand-in exchange; with `authority_file` it speaks TLS and writes the authority to trust there."""

    def __init__(self, cpus: frozenset[int], authority_file: Path | None = None) -> None:
        arguments = [] if authority_file is None else [str(authority_file)]
        super().__init__(_CHECKOUT_FIRST + _pin(cpus) + _SERVER, arguments, log_name="server")
        scheme = "ws" if authority_file is None else "wss"
        self.url = f"{scheme}://127.0.0.1:{int(self.read_line(30))}"


def _pin(cpus: frozenset[int]) -> str:
    return f"; from benchmarks.pinning import pin_process; pin_process({sorted(cpus)})"


class Worker(Process):
    """A client's process."""

    def __init__(
        self,
        client: str,
        url: str,
        cpus: frozenset[int],
        *,
        python: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        code = (_CHECKOUT_FIRST if python is None else _CHECKOUT_LAST) + _WORKER
        arguments = [client, url, json.dumps(sorted(cpus))]
        interpreter, log_name = python or sys.executable, f"client-{client}"
        super().__init__(code, arguments, python=interpreter, environment=environment, log_name=log_name)
        try:
            self._result()
        except WorkerFailed:
            self.close()
            raise

    def call(self, task: str, *, busy: bool = False, **arguments: Any) -> Sample:
        """Have the client do a task and return what it measured."""
        self.write_line(json.dumps({"task": task, "arguments": arguments, "busy": busy}))
        return self._result()

    def _result(self) -> Sample:
        answer = json.loads(self.read_line())
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        result: Sample = answer["result"]
        return result


# Nothing but what every interpreter has loaded anyway may be imported before the clock starts.
_IMPORTER = """
import os, time
if {cpus}: os.sched_setaffinity(0, {cpus})
started = time.perf_counter()
{statement}
print((time.perf_counter() - started) * 1e6, len(sys.modules))
"""


#: A user's packages were compiled when they were installed, whatever the environment of this run says.
_WITH_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(_CACHE / "bytecode")}


def importer(statement: str, cpus: frozenset[int]) -> Callable[[], Sample]:
    """Return a measurement of one import statement in a new interpreter."""
    code = _CHECKOUT_FIRST + _IMPORTER.format(statement=statement, cpus=sorted(cpus))

    def measure() -> Sample:
        with Process(code, (), environment=_WITH_BYTE_CODE, log_name="importer") as process:
            microseconds, modules = process.read_line(60).split()
            return {"mean_us": float(microseconds), "modules": float(modules)}

    return measure
