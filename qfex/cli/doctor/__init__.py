"""What may keep this machine from trading, and what to do about it."""

from __future__ import annotations

from .checkup import check_all
from .finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "check_all"]
