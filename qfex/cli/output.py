"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import QfexError

_UNBOUNDED = 500  # columns of a pipe: a table that somebody greps must not be cut


class Output:
    """Where a command puts its answer.

    Parameters
    ----------
    as_json : bool
        One JSON document on stdout instead of tables; numbers that are money are strings, exactly as they came.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def console(self) -> Console:
        """The terminal, or pipe, behind stdout as it is now."""
        return _console(sys.stdout)

    def rows(self, rows: Sequence[Any], columns: Mapping[str, str], empty: str = "nothing") -> None:
        """Print models of one kind.

        Parameters
        ----------
        columns : mapping of str to str
            Attribute to heading, for the table; JSON has every attribute.
        empty : str
            What to say where there are none.
        """
        if self.as_json:
            self.document(list(rows))
        elif rows:
            self.console.print(table(rows, columns))
        else:
            self.say(empty)

    def record(self, model: Any, title: str = "") -> None:
        """Print one model, an attribute a line."""
        if self.as_json:
            self.document(model)
            return
        drawn = Table(box=box.SIMPLE, show_header=False, title=title or None, title_justify="left")
        for name, value in plain(model).items():
            if value not in (None, "", []):
                drawn.add_row(name.replace("_", " "), escape(shown(value)))
        self.console.print(drawn)

    def document(self, value: Any) -> None:
        """Print a value as JSON."""
        print(json.dumps(plain(value), indent=2), flush=True)

    def line(self, value: Any) -> None:
        """Print a value as one line of JSON, for streams."""
        print(json.dumps(plain(value)), flush=True)

    def say(self, text: str) -> None:
        """Tell a person something; scripts are spared."""
        if not self.as_json:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Tell a person, or whoever reads stderr, of a mishap that does not fail the command."""
        _console(sys.stderr).print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)

    def advise(self, text: str) -> None:
        """Tell a person what to do next, on stderr."""
        if not self.as_json:
            _console(sys.stderr).print(text, markup=False, highlight=False, soft_wrap=True)

    def error(self, error: BaseException, code: int) -> None:
        """Report why a command failed, on stderr."""
        if self.as_json:
            print(json.dumps(described(error, code)), file=sys.stderr, flush=True)
        else:
            text = f"{type(error).__name__}: {error}" if isinstance(error, QfexError) else str(error)
            _console(sys.stderr).print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def _console(stream: Any) -> Console:
    return Console(file=stream, width=None if stream.isatty() else _UNBOUNDED)


def table(rows: Iterable[Any], columns: Mapping[str, str], title: str | None = None) -> Table:
    """A table of models; numbers are aligned to the right."""
    kept = list(rows)
    drawn = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for attribute, heading in columns.items():
        numeric = any(isinstance(getattr(row, attribute, None), Decimal | int) for row in kept)
        drawn.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric)
    for row in kept:
        drawn.add_row(*(escape(shown(getattr(row, attribute, None))) for attribute in columns))
    return drawn


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def plain(value: Any) -> Any:
    """A model as JSON values: decimals as strings with their own digits, times as ISO 8601."""
    if attrs.has(type(value)):
        return {field.name: plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseException):
        return str(value)
    return value.isoformat() if isinstance(value, datetime | time) else value


def described(error: BaseException, code: int) -> dict[str, Any]:
    """An error as JSON values: its kind, its words, and what it knows about the request."""
    known = {
        name: plain(value)
        for name, value in vars(error).items()
        if not name.startswith("_") and name != "incoming_message"
    }
    return {"error": type(error).__name__, "message": str(error), "exit_code": int(code), **known}
