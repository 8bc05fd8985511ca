"""Recordings: every frame of a session as one line of JSON, without secrets.

A line has the members ``time`` (unix seconds by the wall clock), ``socket`` ("trade" or "market_data"), ``connection``
(its number on that socket, counted from 1), ``direction`` ("in" from the client, "out" to it) and ``text``. In the text,
the values of secret members are replaced; everything else is unchanged.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

SECRETS = frozenset(("signature", "nonce", "public_key", "api_key", "jwt", "secret", "secret_key"))
REDACTED = "[redacted]"

Direction = Literal["in", "out"]
Socket = Literal["trade", "market_data"]

# A secret member inside text that is not JSON, such as a truncated message, or inside a quoted text.
_MEMBER = re.compile(rf'(\\*"(?:{"|".join(sorted(SECRETS))})\\*"\s*:\s*\\*")[^"\\]*')


@dataclass(frozen=True)
class RecordedFrame:
    """One recorded frame; the module's docstring describes its members."""

    time: float
    socket: Socket
    connection: int
    direction: Direction
    text: str

    def message(self) -> dict[str, Any]:
        """Return the frame as a dictionary, an empty one if it is not a JSON object."""
        try:
            message = json.loads(self.text)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}


class Recorder:
    """Writes the frames of a session to a file.

    Parameters
    ----------
    file : text file
        The file; it is flushed after every line.
    clock : callable
        Returns the current time, unix seconds.
    """

    def __init__(self, file: TextIO, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._connections: Counter[Socket] = Counter()

    @classmethod
    def to(cls, path: str | Path) -> Recorder:
        """Return a recorder that writes a new file; `close` closes it."""
        return cls(open(path, "w", encoding="utf-8"))  # noqa: SIM115 (closed by `close`)

    def connection(self, socket: Socket) -> ConnectionRecorder:
        """Return the recorder of a new connection."""
        self._connections[socket] += 1
        return ConnectionRecorder(self, socket, self._connections[socket])

    def record(self, socket: Socket, connection: int, direction: Direction, text: str) -> None:
        """Write one frame; after `close` nothing happens."""
        if not self._file.closed:
            frame = RecordedFrame(self._clock(), socket, connection, direction, redact(text))
            self._file.write(json.dumps(asdict(frame)) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ConnectionRecorder:
    """Records the frames of one connection."""

    def __init__(self, recorder: Recorder, socket: Socket, connection: int) -> None:
        self._recorder = recorder
        self._socket = socket
        self._connection = connection

    def record(self, direction: Direction, text: str | bytes) -> None:
        """Write one frame."""
        readable = text.decode(errors="replace") if isinstance(text, bytes) else text
        self._recorder.record(self._socket, self._connection, direction, readable)


def load(path: str | Path) -> list[RecordedFrame]:
    """Load a recording.

    Raises
    ------
    ValueError
        A line is not a recorded frame; the message names the line.
    """
    with open(path, encoding="utf-8") as file:
        return list(read(file))


def read(lines: Iterable[str]) -> Iterator[RecordedFrame]:
    """Yield the frames of a recording from its lines."""
    for number, line in enumerate(lines, 1):
        try:
            yield RecordedFrame(**json.loads(line))
        except (ValueError, TypeError) as reason:
            raise ValueError(f"line {number} is not a recorded frame") from reason


def redact(text: str) -> str:
    """Replace the values of secret members in a frame's text, at any depth.

    Text without secrets is returned unchanged.
    """
    try:
        message = json.loads(text)
    except ValueError:
        return _redact_quoted(text)
    redacted = _without_secrets(message)
    return text if redacted == message else json.dumps(redacted)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: REDACTED if name in SECRETS else _without_secrets(member) for name, member in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return _redact_quoted(value) if isinstance(value, str) else value


def _redact_quoted(text: str) -> str:
    return _MEMBER.sub(rf"\g<1>{REDACTED}", text)
