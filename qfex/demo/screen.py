"""The output of the demo."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ..client import TradeClient
from ..models.connection import ConnectionEvent
from ..models.orders import Fill, Order
from ..models.twaps import Twap

_COLOURS = {"ACK": "cyan", "MODIFIED": "cyan", "FILLED": "green", "CANCELLED": "yellow"}


class Screen:
    """Prints numbered scenes, calls (→) and events from the exchange (←)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._scene = 0

    def scene(self, title: str) -> None:
        """Start a scene."""
        if self._scene and self.console.is_terminal:
            time.sleep(1.0)  # leave time to read the previous scene
        self._scene += 1
        self.console.print(f"\n[bold]{self._scene}. {title}[/bold]")

    def sent(self, text: str) -> None:
        """Print a call."""
        self.console.print(f"   → {text}", style="dim", markup=False)

    def note(self, text: str) -> None:
        """Print a remark."""
        self.console.print(f"     {text}", markup=False)

    def event(self, event: Any) -> None:
        """Print an event in one line."""
        if isinstance(event, Order):
            colour = _COLOURS.get(event.status.value, "yellow" if event.status.is_terminal else "white")
            self.console.print(f"   ← [{colour}]{event.status:<10}[/{colour}] {describe(event)}")
        elif isinstance(event, Fill):
            self.console.print(
                f"   ← [green]FILL[/green]       {event.side} {event.quantity} at {event.price}, fee {event.fee}"
            )
        elif isinstance(event, ConnectionEvent):
            self.console.print(f"   ← [magenta]{event.state:<14}[/magenta] {event.reason}".rstrip())

    def twap_bar(self, twap: Twap) -> Progress:
        """Return a progress bar for a TWAP."""
        progress = Progress(
            TextColumn("   ← [green]TWAP[/green]"),
            BarColumn(30),
            MofNCompleteColumn(),
            TextColumn("child orders, {task.fields[filled]} filled at {task.fields[price]}"),
            console=self.console,
        )
        progress.add_task("twap", total=twap.total_num_orders, filled="0", price="-")
        return progress

    def account(self, client: TradeClient) -> None:
        """Print positions and balance."""
        table = Table("symbol", "position", "average price", "realised", "unrealised", title_justify="left")
        for position in client.positions.values():
            if position.position or position.realised_pnl:
                table.add_row(
                    position.symbol,
                    f"{position.position:f}",
                    f"{position.average_price:.2f}",
                    f"{position.realised_pnl:.2f}",
                    f"{position.unrealised_pnl:.2f}",
                )
        self.console.print(table)
        balance = client.balance
        if balance is not None:
            fees = balance.fees or Decimal(0)
            self.note(
                f"BALANCE equity {balance.equity:.2f} USDC, available {balance.available_balance:.2f}, fees {fees:.2f}"
            )


def describe(order: Order) -> str:
    """Return a description of an order in one line."""
    kind = "STOP " if order.order_type.is_stop else ""
    price = f" at {order.price}" if order.may_rest else ""
    filled = f", {order.quantity_filled} filled" if order.quantity_filled else ""
    return f"{kind}{order.order_type} {order.side} {order.quantity} {order.symbol}{price}{filled}"
