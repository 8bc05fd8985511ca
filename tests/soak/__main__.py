"""Run the soak in both dialects.

``python -m tests.soak [--cuts N] [--seed N] [--dialect live|documented]``. The seed determines what each
thread does and which faults are injected when; how the threads interleave depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys

from tests.soak.soak import Soak


def main() -> int:
    """Run the soak in both dialects; 0 if every reported outcome was true."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000, help="connections to cut, in each dialect")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dialect", choices=["live", "documented"], help="only this one")
    options = parser.parse_args()
    logging.getLogger("qfex").setLevel(logging.CRITICAL)  # the soak causes the failures itself
    lies = 0
    for dialect in [options.dialect] if options.dialect else ["live", "documented"]:
        soak = Soak(options.cuts, options.seed, dialect)
        soak.run()
        print(json.dumps(soak.figures, indent=2), flush=True)
        for lie in soak.lies[:20]:
            print(lie[:1500])
        lies += len(soak.lies)
    return 1 if lies else 0


if __name__ == "__main__":
    sys.exit(main())
