"""Arguments and options that several commands take."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import click

symbol_argument = click.argument("symbol")
symbol_option = click.option("--symbol", metavar="SYMBOL", help="Of one symbol only.")
side_argument = click.argument(
    "side", type=click.Choice(["BUY", "SELL"], case_sensitive=False), metavar="BUY|SELL"
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 1000), help="At most this many.  [default: 100]"
)
reduce_only_option = click.option("--reduce-only", is_flag=True, help="Only reduce a position.")
wait_option = click.option("--wait", is_flag=True, help="Wait until the order is done, or the time is up.")


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A moment: ISO 8601, in UTC where it names no zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-01-31 or 2026-01-31T12:00:00+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


start_option = click.option("--start", type=Moment(), help="From this moment on (UTC unless it says a zone).")
end_option = click.option("--end", type=Moment(), help="Until this moment.")
