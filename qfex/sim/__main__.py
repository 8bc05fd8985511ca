"""``python -m qfex.sim``: the simulator in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from . import Simulator

_LEDGER_LIMIT = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    ended = _end_signal()
    try:
        simulator = _simulator(options)
        simulator.start()
    except (ValueError, OSError) as error:
        parser.error(str(error))
    try:
        _foreground(simulator, options, ended)
    finally:
        simulator.stop()
    return 0


def _foreground(simulator: Simulator, options: argparse.Namespace, ended: threading.Event) -> None:
    """Print the URLs and keys; on a terminal, show the live view until the end."""
    text = _as_json(simulator) if options.json else _as_text(simulator)
    print(text, flush=True)
    if sys.stdout.isatty() and not options.json and not options.quiet:
        from rich.console import Console

        from .server.view import show

        show(simulator.snapshot, text, ended, Console())
    else:
        ended.wait()


def _simulator(options: argparse.Namespace) -> Simulator:
    return Simulator(
        symbols=options.symbols,
        dialect=options.dialect,
        seed=options.seed,
        liquidity=not options.no_liquidity,
        price_path=options.price_path,
        speed=options.speed,
        port=options.port,
        ledger_limit=_LEDGER_LIMIT,
        record=options.record,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qfex.sim", description="A simulated QFEX on this machine."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--dialect", choices=("live", "documented"), default="live")
    parser.add_argument("--seed", type=int, default=0, help="determines ids, keys and prices")
    parser.add_argument("--symbols", type=_symbols, metavar="A,B", help="instruments to list (default: all)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds for each real one")
    parser.add_argument("--price-path", choices=("still", "calm", "trending", "gapping"), default="calm")
    parser.add_argument("--no-liquidity", action="store_true", help="do not run a market maker")
    parser.add_argument("--record", metavar="FILE", help="record every frame, without secrets")
    parser.add_argument("--json", action="store_true", help="print the URLs and keys as one line of JSON")
    parser.add_argument("--quiet", action="store_true", help="no live view, even on a terminal")
    return parser


def _symbols(text: str) -> list[str]:
    return [symbol.strip() for symbol in text.split(",") if symbol.strip()]


def _end_signal() -> threading.Event:
    """Return an event that Ctrl-C or SIGTERM sets."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    return ended


def _addresses(simulator: Simulator) -> dict[str, str]:
    environment, keys = simulator.environment, simulator.credentials
    return {
        "trade_url": environment.trade_url,
        "market_data_url": environment.market_data_url,
        "rest_url": environment.rest_url,
        "public_key": keys.public_key,
        "secret_key": keys.secret_key,
    }


def _as_json(simulator: Simulator) -> str:
    return json.dumps(_addresses(simulator))


def _as_text(simulator: Simulator) -> str:
    where = _addresses(simulator)
    return f"""\
A simulated QFEX is running; Ctrl-C ends it.

  trade gateway  {where["trade_url"]}
  market data    {where["market_data_url"]}
  REST           {where["rest_url"]}
  public key     {where["public_key"]}
  secret key     {where["secret_key"]}

export QFEX_TRADE_URL={where["trade_url"]}
export QFEX_MDS_URL={where["market_data_url"]}
export QFEX_REST_URL={where["rest_url"]}
export QFEX_PUBLIC_KEY={where["public_key"]}
export QFEX_SECRET_KEY={where["secret_key"]}
"""


if __name__ == "__main__":
    sys.exit(main())
