"""The command line."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from benchmarks import judge, results
from benchmarks.growth import DIMENSIONS
from benchmarks.lab import Settings
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS

HERE = Path(__file__).resolve().parent
QUICK = Settings(rounds=2, scale=0.02, session_events=20_000)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.description = "Measure the library against its rivals, in one interleaved and pinned run."
    parser.epilog = "The exit status is 1 where a must is missed by more than the noise of the run."
    names = [*SCENARIOS, *DIMENSIONS]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a short run that shows that all works; it judges nothing"
    )
    parser.add_argument("--rounds", type=int, default=15, help="measured rounds of each comparison (15)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the orders and events of a round")
    parser.add_argument("--session-events", type=int, default=1_000_000, help="events of the long session")
    parser.add_argument(
        "--output", type=Path, help="folder for RESULTS.md and plots/ (a full run: this package's)"
    )
    return parser.parse_args(arguments)


def settings(options: argparse.Namespace) -> Settings:
    """Return how much the options ask to measure."""
    return QUICK if options.quick else Settings(options.rounds, options.scale, options.session_events)


def run(options: argparse.Namespace) -> results.Results:
    """Run the chosen scenarios, telling of each as it ends."""
    found = results.Results()
    for name in options.only or [*SCENARIOS, *DIMENSIONS]:
        print(f"{name} ...", flush=True)
        if name in SCENARIOS:
            found.contests[name] = SCENARIOS[name].run(settings(options))
            print(results.contest_table(name, found.contests[name]), end="\n\n", flush=True)
        else:
            found.curves[name] = DIMENSIONS[name].run(settings(options))
            print(results.curve_table(found.curves[name]), end="\n\n", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write and judge."""
    options = parse(arguments)
    found = run(options)
    rows = judge.judge(TARGETS, found.contests)
    print(judge.summary(rows))
    complete = not (options.only or options.quick)
    folder = options.output or (HERE if complete else None)
    if folder is not None:
        results.write(found, rows, folder, shlex.join(["python", "-m", "benchmarks", *(arguments or ())]))
    return 0 if options.quick else int(any(row.missed for row in rows))
