"""Rebalancing: bring positions to their targets, once a period, whatever happens in between."""

from __future__ import annotations

from .desk import Pace
from .errors import AlreadyRunning
from .journal import Journal
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
