"""``python -m tests.model SEED...`` replays histories; ``--histories N --first SEED`` runs many, several at a time."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .history import LENGTH, run
from .options import CLASSES, Options


def main() -> int:
    """Run histories; 0 if everybody agreed in all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, metavar="SEED")
    parser.add_argument("--histories", type=int, default=0, help="how many to run")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--only", help=f"classes of disturbances among {', '.join(CLASSES)}; 'none' for none")
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=VALUE", help="fix a shape")
    parser.add_argument("--all-of", action="store_true", help="enable all of them in each history")
    parser.add_argument("--length", type=float, default=LENGTH, help="seconds of each history")
    parser.add_argument("--jobs", type=int, default=4, help="processes at a time")
    parser.add_argument("--times", type=int, default=1, help="how often to run each seed")
    arguments = parser.parse_args()
    seeds = arguments.seeds or range(arguments.first, arguments.first + arguments.histories)
    seeds = [seed for seed in seeds for _ in range(arguments.times)]
    if len(seeds) == 1:
        return _run_here(seeds[0], arguments)
    return _run_elsewhere(seeds, arguments)


def _options(seed: int, arguments: Any) -> Options:
    if arguments.only is None:
        options = Options.drawn(seed)
    else:
        classes = [name for name in arguments.only.split(",") if name != "none"]
        options = Options.of(seed, classes) if arguments.all_of else Options.drawn(seed, classes)
    return options.with_shapes(arguments.shape)


def _run_here(seed: int, arguments: Any) -> int:
    report = run(seed, _options(seed, arguments), arguments.length)
    if report.found:
        print(report)
    print(json.dumps({**report.figures, "converged_after": round(report.converged_after, 2)}))
    return 1 if report.found else 0


def _run_elsewhere(seeds: list[int], arguments: Any) -> int:
    """Each history in a process of its own, so that none disturbs another's threads."""
    figures: Counter[str] = Counter()
    slowest = 0.0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for passed, text in pool.map(lambda seed: _replay(seed, arguments), seeds):
            if not passed:
                print(text, flush=True)
                figures["failed"] += 1
                continue
            counted = json.loads(text)
            slowest = max(slowest, counted.pop("converged_after"))
            figures.update(counted)
    print(json.dumps({"histories": len(seeds), **figures, "slowest": slowest}))
    return 1 if figures["failed"] else 0


def _replay(seed: int, arguments: Any) -> tuple[bool, str]:
    """Whether a history passed, and what it printed; a traceback of one of its threads is a failure, too."""
    command = [sys.executable, "-m", "tests.model", str(seed), "--length", str(arguments.length)]
    if arguments.only is not None:
        command += ["--only", arguments.only]
    if arguments.all_of:
        command += ["--all-of"]
    command += [part for shape in arguments.shape for part in ("--shape", shape)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return not done.returncode and not done.stderr, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
