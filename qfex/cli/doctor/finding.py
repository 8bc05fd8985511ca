"""What a check found."""

from __future__ import annotations

from enum import Enum

import attrs


class Verdict(str, Enum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "skipped"

    __str__ = str.__str__


@attrs.frozen
class Finding:
    """The result of one check.

    Attributes
    ----------
    check : str
        What was looked at.
    found : str
        What was seen.
    mend : str
        What to do; empty where nothing is to be done.
    """

    check: str
    verdict: Verdict
    found: str
    mend: str = ""


def fine(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.FINE, found)


def warning(check: str, found: str, mend: str) -> Finding:
    """It works, and may not for long."""
    return Finding(check, Verdict.WARNING, found, mend)


def broken(check: str, found: object, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, Verdict.BROKEN, str(found), mend)


def skipped(check: str, why: str) -> Finding:
    """It could not be looked at, since something before it is broken."""
    return Finding(check, Verdict.SKIPPED, why)
