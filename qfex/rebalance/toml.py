"""TOML files, with numbers kept exact."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def load_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; its floats become `Decimal`.

    Raises
    ------
    ConfigurationError
        If it cannot be read. The reason names no content, which may be secret.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no valid TOML: {_place(error)}") from None


def _place(error: ValueError) -> str:
    """Where the error is, without the text that is there."""
    words = str(error)
    return words[words.rfind("(at ") :].strip("()") if "(at " in words else "unreadable"
