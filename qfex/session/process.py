"""Which process this is: threads do not survive a fork, so a client must not be used in the child."""

from __future__ import annotations

import os

#: Number of forks between the first import and this process; far cheaper to compare than process ids.
forks = 0


def _count_fork() -> None:
    global forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)
