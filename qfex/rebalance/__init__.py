"""Rebalancing: bring positions to their targets once in each period, even after crashes and lost connections."""

from __future__ import annotations

from .executor import Pace
from .journal import Journal
from .lock import AlreadyRunning
from .plan import Account, Plan, PlannedTrade, make_plan
from .rebalancer import Rebalancer
from .report import Execution, Outcome, Report, TradeReport
from .tactics import Progress
from .targets import Targets, load_targets

__all__ = [
    "Account",
    "AlreadyRunning",
    "Execution",
    "Journal",
    "Outcome",
    "Pace",
    "Plan",
    "PlannedTrade",
    "Progress",
    "Rebalancer",
    "Report",
    "Targets",
    "TradeReport",
    "load_targets",
    "make_plan",
]
