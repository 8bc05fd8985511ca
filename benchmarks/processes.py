"""The child processes of a run: the server and the workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.timing import Sample

ROOT = Path(__file__).resolve().parent.parent
_CACHE = ROOT / ".bench"

_WORKER = "; from benchmarks.worker import main; main(sys.argv[1:])"
_SERVER = "; from benchmarks.server.__main__ import main; main(sys.argv[1:])"

TASK_LIMIT = 600.0

_Self = TypeVar("_Self", bound="Process")


def cache_folder() -> Path:
    """Return the folder for logs and the SDK's environment, which git ignores."""
    _CACHE.mkdir(exist_ok=True)
    (_CACHE / ".gitignore").write_text("*\n")
    return _CACHE


@dataclass(frozen=True)
class Checkout:
    """A checkout of the library, and the interpreter whose environment has its dependencies."""

    root: Path
    python: str


class Unavailable(RuntimeError):
    """A contestant needs something that is not installed and cannot be installed."""


class WorkerFailed(RuntimeError):
    """A worker could not start, reported an error or ended early."""


class Process:
    """A child process that reads and writes lines of text. It ends with the ``with`` block."""

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
                [python, "-c", code, *arguments],
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
        """End the process by closing its input; kill it if it is still there ten seconds later."""
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
        """Whether the process has ended."""
        return self._process.poll() is not None

    def write_line(self, line: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read_line(self, limit: float = TASK_LIMIT) -> str:
        """Return the next line. A process that writes none for `limit` seconds is killed."""
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


def module_path(library: str | None = None) -> str:
    """Return code that sets up the module path of a process that runs ``python -c``.

    The process takes `qfex` from the folder `library`, and everything else, `benchmarks` in particular, from this
    checkout. An empty `library` means the `qfex` that is installed in the interpreter's environment. A package that is
    imported stays where it was found, so the path can change once `qfex` is imported.
    """
    root = f"sys.path[0] = {str(ROOT)!r}"
    if library is None:
        return f"import sys; {root}"
    return f"import sys; sys.path[0] = {library!r}; import qfex; {root}"


class Server(Process):
    """The stand-in exchange, which waits for `delay` seconds before it answers an order.

    With `authority_file` it uses TLS, and writes the authority that clients have to trust there.
    """

    def __init__(
        self, cpus: frozenset[int], *, delay: float = 0.0, authority_file: Path | None = None
    ) -> None:
        arguments = [str(delay), *([] if authority_file is None else [str(authority_file)])]
        super().__init__(module_path() + _pin(cpus) + _SERVER, arguments, log_name="server")
        scheme = "ws" if authority_file is None else "wss"
        self.url = f"{scheme}://127.0.0.1:{int(self.read_line(30))}"


def _pin(cpus: frozenset[int]) -> str:
    return f"; from benchmarks.pinning import pin_process; pin_process({sorted(cpus)})"


class Worker(Process):
    """A client's process.

    Parameters
    ----------
    client, url, cpus
        The client's name, the server, and the CPUs that the process may use.
    python
        The interpreter.
    library
        See `module_path`. If it is a folder, the worker fails unless it has imported `qfex` from there.
    environment
        Environment variables to add.
    """

    def __init__(
        self,
        client: str,
        url: str,
        cpus: frozenset[int],
        *,
        python: str = sys.executable,
        library: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            module_path(library) + _WORKER,
            [client, url, json.dumps(sorted(cpus))],
            python=python,
            environment=environment,
            log_name=f"client-{client}",
        )
        try:
            self._check_origin(library, self._answer()["library"])
        except WorkerFailed:
            self.close()
            raise

    @staticmethod
    def _check_origin(library: str | None, origin: str | None) -> None:
        """Make sure that nothing but the library under test is measured in its name."""
        if library and (origin is None or not Path(origin).resolve().is_relative_to(Path(library).resolve())):
            raise WorkerFailed(f"the worker imported qfex from {origin}, not from {library}")

    def call(self, task: str, *, busy: bool = False, **arguments: Any) -> Sample:
        """Have the client do a task and return what it measured."""
        self.write_line(json.dumps({"task": task, "arguments": arguments, "busy": busy}))
        result: Sample = self._answer()["result"]
        return result

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.read_line())
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer
