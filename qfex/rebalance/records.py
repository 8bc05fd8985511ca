"""Rows of the journal."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import attrs

from ..enums import Side
from .plan import PlannedTrade

_ZERO = Decimal(0)


class RunState(str, Enum):
    """Where a run stands."""

    OPEN = "open"
    DONE = "done"
    PARTIAL = "partial"
    REFUSED = "refused"
    SUPERSEDED = "superseded"

    __str__ = str.__str__


class StepState(str, Enum):
    """What is known about a step.

    ``INTENDED`` was written before anything was sent: after a crash nobody here knows whether it was. ``LIVE`` is an
    order that rests, or a TWAP that runs. The others are final.
    """

    INTENDED = "intended"
    LIVE = "live"
    DONE = "done"
    REFUSED = "refused"
    NEVER_SENT = "never sent"

    __str__ = str.__str__

    @property
    def is_final(self) -> bool:
        """Whether nothing more can come of the step."""
        return self not in (StepState.INTENDED, StepState.LIVE)


class StepKind(str, Enum):
    """How a step trades."""

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
        What the client ids of its steps are made from.
    created, finished : float
        Unix seconds; `finished` is None while it is open.
    equity : Decimal
        Of the account when the run was planned, USD.
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
        The client order id, or client TWAP id.
    price : Decimal or None
        Limit price; None for market orders and TWAPs.
    created : float
        When the intent was written, unix seconds.
    filled : Decimal
        What it traded, as far as the exchange has told.
    order_id : str
        The exchange's id, when it is known.
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
    """One line of a run's story."""

    time: float
    symbol: str
    what: str


@attrs.frozen
class Work:
    """A planned trade and the steps taken for it so far."""

    trade: PlannedTrade
    steps: tuple[Step, ...] = ()

    @property
    def filled(self) -> Decimal:
        """What its steps traded together."""
        return sum((step.filled for step in self.steps), _ZERO)

    @property
    def remaining(self) -> Decimal:
        """What is left to trade."""
        return self.trade.quantity - self.filled

    @property
    def open_steps(self) -> list[Step]:
        """Steps that may still trade."""
        return [step for step in self.steps if not step.state.is_final]
