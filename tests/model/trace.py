"""Everything that a venue sent and received, and the last of it that concerns one thing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any

_SHOWN = 14  # messages
_EVENTS = ("order_response", "fill_response", "position_response", "balance_response", "sequence")


@dataclass(frozen=True)
class Entry:
    """One message; `way` is ``in``, ``out`` or ``late``, or ``cut`` for the end of a connection."""

    at: float
    link: str
    way: str
    message: Any

    def concerns(self, names: Collection[str]) -> bool:
        """Whether the message names one of these; without names, whether it is no mere event."""
        if names:
            return any(name in str(self.message) for name in names)
        return not any(event in str(self.message)[:40] for event in _EVENTS)

    def __str__(self) -> str:
        return f"{self.at:6.3f} {self.link:8} {self.way:4} {_brief(self.message)}"


class Trace:
    """The messages of a history."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._begun = monotonic()

    def note(self, link: str, way: str, message: Any) -> None:
        """Note a message."""
        self._entries.append(Entry(monotonic() - self._begun, link, way, message))

    def about(self, names: Collection[str], owner: str) -> list[str]:
        """The last messages of one client's connections that name something, or all but events if there is no name."""
        found = [
            str(entry)
            for entry in self._entries
            if entry.link.endswith(f"-{owner}") and (entry.way == "cut" or entry.concerns(names))
        ]
        return found[-_SHOWN:]


def _brief(message: Any) -> str:
    if not isinstance(message, dict):
        return str(message)
    if "params" in message:
        return f"{message['type']} {_members(message['params'])}"
    key, value = next(iter(message.items()))
    if isinstance(value, dict) and "orders" in value:
        return f"{key} {len(value['orders'])} orders"
    if isinstance(value, list):
        return f"{key} {len(value)} rows"
    return f"{key} {_members(value)}" if isinstance(value, dict) else str(message)[:200]


def _members(members: dict[str, Any]) -> str:
    left_out = (
        "user_id",
        "fee",
        "take_profit",
        "stop_loss",
        "trade_id",
        "type",
        "tif",
        "time_in_force",
        "hmac",
    )
    return " ".join(f"{name}={value}" for name, value in members.items() if name not in left_out)[:300]
