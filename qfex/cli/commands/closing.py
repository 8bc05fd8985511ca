"""Closing positions: one, or all at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
import click

from ...errors import OutcomeUnknown, QfexError
from ...models.account import Position
from .. import columns
from ..context import App
from ..exit_codes import ExitCode
from ..framework import TradingCommand, pass_app, symbol_argument

_T = TypeVar("_T")
_ROUNDS = 3  # a thin book may leave part of a position open


@click.command(cls=TradingCommand)
@symbol_argument
@pass_app
def close(app: App, symbol: str) -> None:
    """Close the position in a symbol near the mark price. A thin book may leave part of it open."""
    app.out.record(app.trade.close_position(symbol, wait=True))


@click.command(cls=TradingCommand)
@click.pass_context
def flatten(ctx: click.Context) -> None:
    """Cancel all TWAPs and orders of the account, and close all positions.

    Every step is tried, whatever became of the others. Ends with code 11 if something is left, and with code 4 if it is
    not known whether something is left.
    """
    app = ctx.ensure_object(App)
    flattening = Flattening(app)
    flattening.run()
    code = flattening.exit_code
    flattening.report()
    if code is not ExitCode.DONE:
        ctx.exit(code)


@attrs.define
class Flattening:
    """The steps of ``flatten``, what each of them achieved, and what went wrong.

    Attributes
    ----------
    left, live : list or None
        Positions and orders that are left. None if this could not be read.
    problems : list of dict
        What failed: the step, its symbol, and the error.
    """

    app: App
    twaps: list[Any] = attrs.field(factory=list)
    cancelled: list[Any] = attrs.field(factory=list)
    closing: list[Any] = attrs.field(factory=list)
    left: list[Position] | None = None
    live: list[Any] | None = None
    problems: list[dict[str, str]] = attrs.field(factory=list)

    def run(self) -> None:
        """Try every step, and then read what is left."""
        trade = self.app.trade  # without a connection nothing can be tried
        active = self._tried("list TWAPs", "", lambda: trade.get_user_orders().twaps) or []
        for twap in active:
            if self._tried("cancel TWAP", twap.symbol, partial(trade.cancel_twap, twap)) is not None:
                self.twaps.append(twap)
        self.cancelled = self._tried("cancel orders", "", trade.cancel_all_orders) or []
        for _ in range(_ROUNDS):
            for position in self._open_positions() or []:
                self._close(position.symbol)
        self.left = self._open_positions()
        self.live = self._tried("list orders", "", self._live)

    def _close(self, symbol: str) -> None:
        trade = self.app.trade
        order = self._tried("close", symbol, lambda: trade.close_position(symbol, wait=True))
        if order is not None:
            self.closing.append(order)

    def _live(self) -> list[Any]:
        return [*self.app.trade.iter_user_orders(), *self.app.trade.get_user_orders().twaps]

    def _open_positions(self) -> list[Position] | None:
        return self._tried(
            "list positions",
            "",
            lambda: [position for position in self.app.rest.positions().values() if position.position],
        )

    def _tried(self, step: str, symbol: str, action: Callable[[], _T]) -> _T | None:
        """Return the result of a step, or None if it failed."""
        try:
            return action()
        except QfexError as error:
            problem = {"step": step, "symbol": symbol, "error": type(error).__name__, "message": str(error)}
            if problem not in self.problems:
                self.problems.append(problem)
                self.app.out.advise(f"{step} {symbol}".strip() + f": {error}")
            return None

    @property
    def exit_code(self) -> ExitCode:
        """DONE only if the exchange says that nothing is left."""
        if self.left is None or self.live is None:
            return ExitCode.UNKNOWN
        if not self.left and not self.live:
            return ExitCode.DONE
        unknown = {
            problem["symbol"] for problem in self.problems if problem["error"] == OutcomeUnknown.__name__
        }
        return ExitCode.UNKNOWN if unknown & {each.symbol for each in self.left} else ExitCode.PARTIAL

    def report(self) -> None:
        """Print what was done and what is left."""
        out = self.app.out
        if out.as_json:
            out.document({name: value for name, value in _members(self).items() if name != "app"})
            return
        out.say(f"cancelled {len(self.twaps)} TWAPs and {len(self.cancelled)} orders")
        nothing = "there was no position to close" if self.left == [] else "no position was closed"
        out.rows(self.closing, columns.ORDER, nothing)
        if self.left is None or self.live is None:
            out.say("it could not be read what is left")
        if self.left:
            out.say("still open:")
            out.rows(self.left, columns.POSITION)
        if self.live:
            out.say(f"{len(self.live)} orders and TWAPs are still live")


def _members(flattening: Flattening) -> dict[str, Any]:
    return {field.name: getattr(flattening, field.name) for field in attrs.fields(Flattening)}
