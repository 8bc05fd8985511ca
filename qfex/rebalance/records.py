"""The rows of the journal."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import attrs

from ..enums import Side
from .plan import PlannedTrade

_ZERO = Decimal(0)


class RunState(str, Enum):
    """The state of a run."""

    OPEN = "open"
    DONE = "done"
    PARTIAL = "partial"
    REFUSED = "refused"
    SUPERSEDED = "superseded"

    __str__ = str.__str__


class StepState(str, Enum):
    """The state of a step.

    ``INTENDED`` is recorded before a step is sent, so after a crash the step may or may not have been sent. ``LIVE`` is
    a resting order or an active TWAP. The other states are final.
    """

    INTENDED = "intended"
    LIVE = "live"
    DONE = "done"
    REFUSED = "refused"
    NEVER_SENT = "never sent"

    __str__ = str.__str__

    @property
    def is_final(self) -> bool:
        """Whether the step can no longer trade."""
        return self not in (StepState.INTENDED, StepState.LIVE)


class StepKind(str, Enum):
    """The kind of order that a step sends."""

    LIMIT = "limit"
    MARKET = "market"
    TWAP = "twap"

    __str__ = str.__str__


@attrs.frozen
class Run:
    """One rebalancing: the trades of one period for one set of targets.

    Attributes
    ----------
    key : str
        Unique name, from which the client ids of the steps are derived.
    created : float
        Start in unix seconds.
    finished : float or None
        End in unix seconds, or None while the run is open.
    equity : Decimal
        Equity of the account when the run was planned, in USD.
    """

    run_id: int
    key: str
    period: str
    digest: str
    execution: str
    created: float
    equity: Decimal
    state: RunState = attrs.field(default=RunState.OPEN, converter=RunState)
    finished: float | None = None


@attrs.frozen
class Step:
    """One order or TWAP of a run.

    Attributes
    ----------
    client_id : str
        Client order id or client TWAP id.
    price : Decimal or None
        Limit price, or None for market orders and TWAPs.
    created : float
        Time at which the step was recorded, in unix seconds.
    filled : Decimal
        Quantity traded, as far as known.
    order_id : str
        The exchange's id, or ``""`` while it is unknown.
    """

    step_id: int
    run_id: int
    symbol: str
    name: str
    kind: StepKind = attrs.field(converter=StepKind)
    client_id: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    created: float
    state: StepState = attrs.field(default=StepState.INTENDED, converter=StepState)
    filled: Decimal = _ZERO
    order_id: str = ""
    note: str = ""


@attrs.frozen
class JournalEvent:
    """One event of a run. `time` is in unix seconds."""

    time: float
    symbol: str
    what: str


@attrs.frozen
class Work:
    """A planned trade and its steps so far."""

    trade: PlannedTrade
    steps: tuple[Step, ...] = ()

    @property
    def filled(self) -> Decimal:
        """Quantity that the steps have traded."""
        return sum((step.filled for step in self.steps), _ZERO)

    @property
    def remaining(self) -> Decimal:
        """Quantity that is left to trade."""
        return self.trade.quantity - self.filled

    @property
    def open_steps(self) -> list[Step]:
        """Steps that may still trade."""
        return [step for step in self.steps if not step.state.is_final]
