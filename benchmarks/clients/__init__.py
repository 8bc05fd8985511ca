"""The clients that are compared: each module is one way to talk to the exchange, each public method one task.

The modules are imported on demand, since each needs packages that the process of another may not have.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

LIBRARY = "library"
RAW = "raw"
RAW_UNCHECKED = "raw-unchecked"
DOCS_SAMPLE = "docs-sample"
SDK = "sdk"
DECODERS = "decoders"
IMPORTS = "imports"
CALL_COUNTS = "call-counts"

#: The clients that run this library's code.
OF_LIBRARY = (LIBRARY, DECODERS, IMPORTS, CALL_COUNTS)

_CLASSES = {
    LIBRARY: ("library", "LibraryClient"),
    RAW: ("raw", "RawClient"),
    RAW_UNCHECKED: ("raw", "UncheckedRawClient"),
    DOCS_SAMPLE: ("docs_sample", "DocsSampleClient"),
    SDK: ("official_sdk", "OfficialSdkClient"),
    DECODERS: ("decoders", "Decoders"),
    IMPORTS: ("imports", "Imports"),
    CALL_COUNTS: ("call_counts", "CallCounts"),
}


def create(name: str, url: str) -> Any:
    """Return a client, connected and authenticated. Its tasks are its methods, and it has a ``close``."""
    module, cls = _CLASSES[name]
    return getattr(import_module(f"benchmarks.clients.{module}"), cls)(url)
