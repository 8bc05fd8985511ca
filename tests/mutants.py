"""Changes every cell of both spec tables, one at a time, and expects the protocol's tests to fail each time.

Run as ``python -m tests.mutants``; it needs a system with `os.fork`. A mutant is a forked process that changes one cell
and then runs the tests, without importing anything again. Those that survive are printed, and make the exit code 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import attrs
import pytest

from qfex.protocol.command import Command, CommandSpec
from qfex.protocol.market.commands import SPECS as MARKET_SPECS
from qfex.protocol.trade.answers import NOT_MINE
from qfex.protocol.trade.specs import SPECS as TRADE_SPECS

NAMES = ("specs", "answers", "matching_orders", "matching_account", "matching_queries")
TESTS = [f"tests/protocol/test_{name}.py" for name in NAMES]
PROCESSES = 2

#: Exit codes of pytest, and of a mutant that could not be tested.
GREEN, RED, FAULT = 0, {1, 2}, 70

#: Replacements that mean the same for their command, so that no test can tell them apart.
EQUIVALENT: set[tuple[type[Command], str, str]] = set()

Table = dict[type[Command], CommandSpec]
TABLES: tuple[Table, ...] = (TRADE_SPECS, MARKET_SPECS)
ROWS = [spec for table in TABLES for spec in table.values()]


@attrs.frozen
class Mutant:
    """A row with one changed cell, or no row at all."""

    table: Table
    kind: type[Command]
    change: str
    row: CommandSpec | None

    def __str__(self) -> str:
        return f"{self.kind.__name__}: {self.change}"

    def apply(self) -> None:
        """Put it into the table."""
        if self.row is None:
            del self.table[self.kind]
        else:
            self.table[self.kind] = self.row


# --- other values for a cell --------------------------------------------------------------------------------------

Change = tuple[str, Any]  # what is changed, and the new value


def other_weights(spec: CommandSpec) -> Iterator[Change]:
    yield "heavier", spec.weight + 0.1
    yield "lighter", spec.weight - 0.1


def other_buckets(spec: CommandSpec) -> Iterator[Change]:
    other = "general" if spec.bucket == "cancel" else "cancel"
    yield other, other


def opposite(name: str) -> Callable[[CommandSpec], Iterator[Change]]:
    def changes(spec: CommandSpec) -> Iterator[Change]:
        value = not getattr(spec, name)
        yield str(value), value

    return changes


def other_functions(name: str) -> Callable[[CommandSpec], Iterator[Change]]:
    """The functions that other rows have in the same column."""

    def changes(spec: CommandSpec) -> Iterator[Change]:
        for function in dict.fromkeys(getattr(row, name) for row in ROWS):
            if function is not getattr(spec, name):
                yield function.__name__, function

    return changes


def never(request: Any, message: Any) -> Any:
    """A rule by which nothing is an answer."""
    return NOT_MINE


def other_answers(spec: CommandSpec) -> Iterator[Change]:
    """The entries without one of them, and with another rule for one of them: those that others have for its message."""
    for kind, rule in spec.answers.items():
        rest = {other: each for other, each in spec.answers.items() if other is not kind}
        yield f"{kind.__name__} removed", rest
        rules = dict.fromkeys(row.answers[kind] for row in ROWS if kind in row.answers)
        for other in (never, *rules):
            if other is not rule:
                yield f"{kind.__name__}: {other.__name__}", {**spec.answers, kind: other}


CHANGES: dict[str, Callable[[CommandSpec], Iterator[Change]]] = {
    "weight": other_weights,
    "answers": other_answers,
    "bucket": other_buckets,
    "trading": opposite("trading"),
    "named_by": other_functions("named_by"),
    "exclusive": other_functions("exclusive"),
    "shares": other_functions("shares"),
    "answered_by_bare_ack": opposite("answered_by_bare_ack"),
    "places_order": opposite("places_order"),
}


def mutants() -> Iterator[Mutant]:
    """Every mutant of both tables."""
    assert set(CHANGES) == {field.name for field in attrs.fields(CommandSpec)}, "a column without mutants"
    for table in TABLES:
        for kind, spec in table.items():
            yield Mutant(table, kind, "row removed", None)
            for name, changes in CHANGES.items():
                for change, value in changes(spec):
                    if (kind, name, change) not in EQUIVALENT:
                        row = attrs.evolve(spec, **{name: value})
                        yield Mutant(table, kind, f"{name}: {change}", row)


# --- running them -------------------------------------------------------------------------------------------------


def run_tests() -> int:
    """Run the tests in this process; pytest's exit code."""
    options = ["--exitfirst", "--quiet", "--tb=no", "--assert=plain", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, *TESTS]))


def start(mutant: Mutant) -> int:
    """Fork a process that runs the tests with a mutant; its id."""
    child = os.fork()
    if child:
        return child
    code = FAULT
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        mutant.apply()
        code = run_tests()
    finally:
        os._exit(code)


def run_all(mutants: Iterator[Mutant]) -> Iterator[tuple[Mutant, int]]:
    """Run the tests with each mutant, some at the same time; each with the exit code, in the order in which they end."""
    running: dict[int, Mutant] = {}
    following = next(mutants, None)
    while running or following:
        if following and len(running) < PROCESSES:
            running[start(following)] = following
            following = next(mutants, None)
            continue
        child, status = os.wait()
        yield running.pop(child), os.waitstatus_to_exitcode(status)


def main() -> int:
    """Run every mutant, and print those that survive."""
    if run_tests() != GREEN:  # also imports everything, once for all mutants
        print("the tests fail for the tables as they are")
        return 2
    began, count, survivors = monotonic(), 0, 0
    for mutant, code in run_all(mutants()):
        count += 1
        if code == GREEN:
            survivors += 1
            print(f"survived: {mutant}", flush=True)
        elif code not in RED:
            print(f"could not be tested (exit code {code}): {mutant}", flush=True)
            return 2
    print(f"{count} mutants, {survivors} survived, {monotonic() - began:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
