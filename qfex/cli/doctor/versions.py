"""Are the interpreter and the libraries recent enough?"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata

from ..._version import __version__
from .finding import Finding, broken, fine, warning

_OLDEST_PYTHON = (3, 10)
#: Distribution to oldest version that is known to work.
REQUIRED = {
    "websocket-client": "1.8",
    "attrs": "23.2",
    "cattrs": "23.2",
    "msgspec": "0.19",
    "requests": "2.31",
}
#: Distribution to what is missing without it.
OPTIONAL = {"aiohttp": "the simulator (extra sim)", "matplotlib": "charts of rebalancings (extra charts)"}


def check_versions() -> Iterator[Finding]:
    """Look at Python, this library, and what it needs."""
    python = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        yield broken("python", python, "install Python 3.10 or newer")
    else:
        yield fine("python", f"{python}, qfex-sync {__version__}")
    for name, oldest in REQUIRED.items():
        yield _required(name, oldest)
    for name, purpose in OPTIONAL.items():
        if _version(name) is None:
            yield warning(name, "not installed", f"needed for {purpose} only: pip install {name}")


def _required(name: str, oldest: str) -> Finding:
    version = _version(name)
    if version is None:
        return broken(name, "not installed", f"pip install '{name}>={oldest}'")
    if _numbers(version) < _numbers(oldest):
        return broken(name, f"{version} is older than {oldest}", f"pip install --upgrade '{name}>={oldest}'")
    return fine(name, version)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
