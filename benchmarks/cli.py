"""The command line."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from benchmarks import comparison, results, rig, targets
from benchmarks.growth import DIMENSIONS
from benchmarks.processes import Checkout
from benchmarks.rig import Settings
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS
from benchmarks.verdicts import Change, Verdict

HERE = Path(__file__).resolve().parent
QUICK = Settings(trials=2, rounds=1, scale=0.05, session_events=20_000)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    full = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the library beside other clients, or beside another checkout of itself.",
        epilog="The exit status is 1 if a must is missed or, with --against, if something is worse.",
    )
    add = parser.add_argument
    names = [*SCENARIOS, *DIMENSIONS]
    add(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"one of {', '.join(names)}; repeatable",
    )
    add("--quick", action="store_true", help="a short run that shows that everything works, without verdicts")
    add(
        "--trials",
        type=_positive,
        default=full.trials,
        help="trials of each scenario (%(default)s; 8 at least)",
    )
    add("--rounds", type=_positive, default=full.rounds, help="rounds of a trial (%(default)s)")
    add("--scale", type=float, default=full.scale, help="factor on the orders and events of a slice")
    add("--session-events", type=int, default=full.session_events, help="events of the long session")
    add("--output", type=Path, metavar="FOLDER", help="where to write the results (full run: this package)")
    add("--against", type=Path, metavar="CHECKOUT", help="compare with the library in this folder")
    add("--against-python", type=Path, metavar="PATH", help="its interpreter (CHECKOUT/.venv/bin/python)")
    options = parser.parse_args(arguments)
    options.other = None
    if options.against is not None:
        if set(options.only or ()) & set(DIMENSIONS):
            parser.error("growth curves cannot be compared")
        try:
            options.other = comparison.find_checkout(options.against, options.against_python)
        except ValueError as error:
            parser.error(str(error))
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be positive")
    return number


def settings(options: argparse.Namespace) -> Settings:
    """Return how much the options ask to measure."""
    if options.quick:
        return QUICK
    return Settings(options.trials, options.rounds, options.scale, options.session_events)


def run(options: argparse.Namespace) -> results.Results:
    """Run the chosen scenarios and curves, and print the numbers of each as it ends."""
    found = results.Results()
    for name in options.only or [*SCENARIOS, *DIMENSIONS]:
        print(f"{name} ...", flush=True)
        if name in SCENARIOS:
            found.contests[name] = rig.run_scenario(
                SCENARIOS[name], rig.entrants(SCENARIOS[name]), settings(options)
            )
            print(results.contest_table(name, found.contests[name]), end="\n\n", flush=True)
        else:
            found.curves[name] = DIMENSIONS[name].run(settings(options))
            print(results.curve_table(found.curves[name]), end="\n\n", flush=True)
    return found


def compare(options: argparse.Namespace, other: Checkout) -> list[comparison.Row | comparison.MissingRow]:
    """Run the chosen scenarios with both checkouts, and print the rows of each as it ends."""
    judged: list[comparison.Row | comparison.MissingRow] = []
    for name in options.only or SCENARIOS:
        print(f"{name} ...", flush=True)
        entered = comparison.entrants(SCENARIOS[name], other)
        rows = comparison.rows({name: rig.run_scenario(SCENARIOS[name], entered, settings(options))})
        print(comparison.summary(rows), end="\n\n", flush=True)
        judged += rows
    return judged


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write and judge."""
    options = parse(arguments)
    command = shlex.join(["python", "-m", "benchmarks", *(arguments or ())])
    if options.other is not None:
        changes = compare(options, options.other)
        print(comparison.summary(changes))
        if options.output is not None:
            comparison.write(changes, options.output, command, results.facts(settings(options)))
        return int(any(row.verdict is Change.WORSE for row in changes))
    found = run(options)
    rows = targets.rows(TARGETS, found.contests)
    print(targets.summary(rows))
    complete = not options.only and settings(options) == Settings()
    folder = options.output or (HERE if complete else None)
    if folder is not None:
        results.write(found, rows, folder, command, settings(options))
    return int(any(row.verdict is Verdict.MISSED for row in rows))
