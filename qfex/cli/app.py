"""The program ``qfex-sync`` with all its commands."""

from __future__ import annotations

import click

from .._version import __version__
from .commands.account import account, leverage, positions, trades
from .commands.closing import close, flatten
from .commands.market import market
from .commands.orders import order, orders, resolve
from .commands.programs import demo, doctor, sim
from .commands.rebalance import rebalance
from .commands.stops import stop
from .commands.twaps import twap
from .commands.watch import watch
from .exit_codes import explanation
from .framework import RootGroup

_HELP = f"""Trade on the QFEX exchange from the command line, synchronously.

Credentials come from QFEX_PUBLIC_KEY and QFEX_SECRET_KEY (or QFEX_JWT), from a file with mode 0600, or from the
configuration of the exchange's own command line tool, but never from the command line. Without --env, commands use
the test instance (uat). With --env sim they use the simulator that QFEX_TRADE_URL, QFEX_MDS_URL and QFEX_REST_URL
name, or start one for the duration of the command.

{explanation()}
"""


@click.group(cls=RootGroup, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qfex-sync")
def cli() -> None:
    """Run a command. The decorator replaces this text with ``_HELP``."""


_COMMANDS = (
    account, positions, orders, order, stop, twap, close, flatten, trades, leverage, market, watch, resolve,
    rebalance, doctor, sim, demo,
)  # fmt: skip

for command in _COMMANDS:
    cli.add_command(command)
