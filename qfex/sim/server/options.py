"""What can be chosen about a simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..engine import Rules

DialectName = Literal["live", "documented"]
PricePath = Literal["still", "calm", "trending", "gapping"]
ClockName = Literal["real", "manual"]


@dataclass(frozen=True)
class Options:
    """The keyword arguments of `Simulator`, where each is explained."""

    symbols: tuple[str, ...] | None = None
    dialect: DialectName = "live"
    seed: int = 0
    liquidity: bool = True
    price_path: PricePath = "still"
    clock: ClockName = "real"
    speed: float = 1.0
    port: int = 0
    rate_limits: bool = True
    ping_interval: float = 20.0
    ledger_limit: int | None = None
    rules: Rules | None = field(default=None)
    record: str | Path | None = None

    def __post_init__(self) -> None:
        if self.dialect not in ("live", "documented"):
            raise ValueError(f"dialect must be 'live' or 'documented', not {self.dialect!r}")
        if self.clock not in ("real", "manual"):
            raise ValueError(f"clock must be 'real' or 'manual', not {self.clock!r}")
        if not self.speed > 0:
            raise ValueError(f"speed must be positive, not {self.speed!r}")
