"""A session on record: every frame as one line of JSON, without secrets.

A line is ``{"time", "socket", "connection", "direction", "text"}``: unix seconds by the wall clock,
``"trade"`` or ``"market_data"``, the connection's number on that socket from 1, ``"in"`` for what the client
sent and ``"out"`` for what it got, and the frame's text. Values of secret members are replaced; all else
stays as it was.
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

# A secret member in text that is not JSON, such as a cut-off message, or that was quoted inside a text.
_MEMBER = re.compile(rf'(\\*"(?:{"|".join(sorted(SECRETS))})\\*"\s*:\s*\\*")[^"\\]*')


@dataclass(frozen=True)
class Frame:
    """One recorded frame; see the module's description for its members."""

    time: float
    socket: Socket
    connection: int
    direction: Direction
    text: str

    def message(self) -> dict[str, Any]:
        """Return the frame as a JSON object; what is none becomes an empty one."""
        try:
            message = json.loads(self.text)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}


class Recorder:
    """Writes frames to a file as they pass.

    Parameters
    ----------
    file : text file
        Where the lines go, each at once.
    clock : callable
        The time of a frame, unix seconds.
    """

    def __init__(self, file: TextIO, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._connections: Counter[Socket] = Counter()

    @classmethod
    def to(cls, path: str | Path) -> Recorder:
        """Return a recorder that writes a new file; `close` ends it."""
        return cls(open(path, "w", encoding="utf-8"))  # noqa: SIM115 (closed by `close`)

    def tape(self, socket: Socket) -> Tape:
        """Return where the frames of a new connection go."""
        self._connections[socket] += 1
        return Tape(self, socket, self._connections[socket])

    def note(self, socket: Socket, connection: int, direction: Direction, text: str) -> None:
        """Write one frame; after the end nothing happens."""
        if not self._file.closed:
            frame = Frame(self._clock(), socket, connection, direction, redact(text))
            self._file.write(json.dumps(asdict(frame)) + "\n")
            self._file.flush()

    def close(self) -> None:
        """End the recording."""
        self._file.close()


class Tape:
    """The part of a recording that belongs to one connection."""

    def __init__(self, recorder: Recorder, socket: Socket, connection: int) -> None:
        self._recorder = recorder
        self._socket = socket
        self._connection = connection

    def note(self, direction: Direction, text: str | bytes) -> None:
        """Write one frame."""
        readable = text.decode(errors="replace") if isinstance(text, bytes) else text
        self._recorder.note(self._socket, self._connection, direction, readable)


def load(path: str | Path) -> list[Frame]:
    """Read a recording.

    Raises
    ------
    ValueError
        A line is not a recorded frame; the message says which.
    """
    with open(path, encoding="utf-8") as file:
        return list(read(file))


def read(lines: Iterable[str]) -> Iterator[Frame]:
    """Yield the frames of a recording's lines."""
    for number, line in enumerate(lines, 1):
        try:
            yield Frame(**json.loads(line))
        except (ValueError, TypeError) as reason:
            raise ValueError(f"line {number} is not a recorded frame") from reason


def redact(text: str) -> str:
    """Return a frame's text without the values of secret members, however deep they are.

    Text without secrets comes back exactly as it is.
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
