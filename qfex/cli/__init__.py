"""The command line program ``qfex-sync``. It needs the extra "cli"."""

from __future__ import annotations

import sys

_MISSING = "qfex-sync needs the extra \"cli\": pip install 'qfex-sync[cli]' (missing: {})"


def main() -> None:
    """Run the command line program."""
    from .streams import protect_streams

    protect_streams()
    try:
        from .app import cli
        from .signals import end_on_signals
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("qfex"):
            raise
        sys.exit(_MISSING.format(error.name))
    end_on_signals()
    cli(prog_name="qfex-sync")
