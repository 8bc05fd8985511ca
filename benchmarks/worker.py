"""A client's own process. It reads tasks from standard input and answers each of them, as lines of JSON.

The first answer, ``{"library": "/path/to/qfex/__init__.py"}``, says that the client is connected, and where `qfex` was
imported from (null where it was not). After that, ``{"task": "round_trips", "arguments": {"count": 100}, "busy": false}``
is answered by ``{"result": {...}}`` or ``{"error": "..."}``. The process stays for a whole trial, so that it is warm.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import closing, nullcontext
from typing import Any, TextIO

from benchmarks import clients, pinning
from benchmarks.timing import Sample, busy_thread


def _claim_stdout() -> TextIO:
    """Keep standard output for answers. Whatever a client prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def _perform(client: object, command: dict[str, Any]) -> Sample:
    with busy_thread() if command["busy"] else nullcontext():
        result: Sample = getattr(client, command["task"])(**command["arguments"])
        return result


def _answer(client: object, line: str) -> dict[str, Any]:
    try:
        return {"result": _perform(client, json.loads(line))}
    except Exception:
        return {"error": traceback.format_exc()}


def main(arguments: list[str]) -> None:
    """Serve as the client named first, connected to the URL named second, on the CPUs named third."""
    answers = _claim_stdout()
    name, url, cpus = arguments
    pinning.pin_process(json.loads(cpus))
    try:
        client = clients.create(name, url)
    except Exception:
        print(json.dumps({"error": traceback.format_exc()}), file=answers)
        return
    print(json.dumps({"library": getattr(sys.modules.get("qfex"), "__file__", None)}), file=answers)
    with closing(client):
        for line in sys.stdin:
            print(json.dumps(_answer(client, line)), file=answers)
