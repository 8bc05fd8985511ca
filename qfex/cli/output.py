"""The output of commands: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from ..errors import QfexError
from ..plain import plain
from .streams import is_broken

_UNBOUNDED = 500  # width of a pipe in columns, so that tables are not cut


class Output:
    """Prints the results and errors of a command.

    Parameters
    ----------
    as_json : bool
        Print JSON instead of tables. Prices, quantities and amounts are strings with all their digits.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def console(self) -> Console:
        """A console for the current stdout."""
        return _console(sys.stdout)

    @property
    def is_lost(self) -> bool:
        """Whether nobody can read the output any more."""
        return is_broken(sys.stdout)

    def rows(self, rows: Sequence[Any], columns: Mapping[str, str], empty: str = "nothing") -> None:
        """Print models of one class.

        Parameters
        ----------
        columns : mapping of str to str
            Attribute -> heading, for the table. JSON has all attributes.
        empty : str
            The text to print instead of an empty table.
        """
        if self.as_json:
            self.document(list(rows))
        elif rows:
            self.table(rows, columns)
        else:
            self.say(empty)

    def table(self, rows: Iterable[Any], columns: Mapping[str, str], title: str | None = None) -> None:
        """Print a table. If the terminal is too narrow for it, print each row as lines, so that nothing is cut."""
        kept, console = list(rows), self.console
        drawn = table(kept, columns, title)
        needed = Measurement.get(console, console.options.update(max_width=_UNBOUNDED), drawn).maximum
        if needed <= console.width:
            console.print(drawn)
            return
        if title:
            console.print(title, markup=False, highlight=False, soft_wrap=True)
        width = max(map(len, columns.values()))
        for row in kept:
            lines = [f"{columns[name]:{width}}  {shown(getattr(row, name, None))}" for name in columns]
            console.print("\n".join([*lines, ""]), markup=False, highlight=False, soft_wrap=True)

    def record(self, model: Any, title: str = "") -> None:
        """Print one model with one attribute in each row."""
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

    def json_line(self, value: Any) -> None:
        """Print a value as one line of JSON."""
        print(json.dumps(plain(value)), flush=True)

    def say(self, text: str) -> None:
        """Print a text, but not with ``--json``."""
        if not self.as_json:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a problem that does not fail the command on stderr, also with ``--json``."""
        _console(sys.stderr).print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)

    def advise(self, text: str) -> None:
        """Print advice on stderr, but not with ``--json``."""
        if not self.as_json:
            _console(sys.stderr).print(text, markup=False, highlight=False, soft_wrap=True)

    def error(self, error: BaseException, code: int) -> None:
        """Print the error of a failed command on stderr."""
        if self.as_json:
            print(json.dumps(described(error, code)), file=sys.stderr, flush=True)
        else:
            text = f"{type(error).__name__}: {error}" if isinstance(error, QfexError) else str(error)
            _console(sys.stderr).print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def _console(stream: Any) -> Console:
    return Console(file=stream, width=None if stream.isatty() else _UNBOUNDED)


def table(rows: Iterable[Any], columns: Mapping[str, str], title: str | None = None) -> Table:
    """Return a table of models, with numbers aligned to the right."""
    kept = list(rows)
    drawn = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for attribute, heading in columns.items():
        numeric = any(isinstance(getattr(row, attribute, None), Decimal | int) for row in kept)
        drawn.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric)
    for row in kept:
        drawn.add_row(*(escape(shown(getattr(row, attribute, None))) for attribute in columns))
    return drawn


def shown(value: Any) -> str:
    """Return a value as text for people."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def described(error: BaseException, code: int) -> dict[str, Any]:
    """Return an error as JSON types: its class, its message, and its attributes."""
    if isinstance(error, click.ClickException):
        return {"error": type(error).__name__, "message": error.format_message(), "exit_code": int(code)}
    known = {
        name: plain(value)
        for name, value in vars(error).items()
        if not name.startswith("_") and name != "incoming_message"
    }
    return {"error": type(error).__name__, "message": str(error), "exit_code": int(code), **known}
