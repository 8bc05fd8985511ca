"""Standard streams that cannot fail, so that no failure of output changes what a command does or its exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any


class ForgivingStream:
    """A text stream that drops what cannot be written: the reader is gone, the disk is full, the stream is closed.

    Characters that the encoding of the stream lacks are written as escapes.

    Parameters
    ----------
    stream : text stream or None
        None if the program was started without it.

    Attributes
    ----------
    is_broken : bool
        Whether something could not be written. A command that only prints should end then.
    """

    def __init__(self, stream: Any) -> None:
        self.is_broken = stream is None
        self._stream = stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        with suppress(AttributeError, ValueError):
            self._stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        if not self.is_broken:
            try:
                self._stream.write(text)
            except (OSError, ValueError):
                self._give_up()
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts, or drop them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what was written, or drop it."""
        if not self.is_broken:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._give_up()

    def _give_up(self) -> None:
        """Let what is still in the buffer go nowhere. Otherwise the end of the interpreter would try to write it."""
        self.is_broken = True
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        with suppress(ValueError):
            return not self.is_broken and bool(self._stream.isatty())
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def protect_streams() -> None:
    """Replace stdout and stderr by streams that cannot fail."""
    sys.stdout = ForgivingStream(sys.stdout)
    sys.stderr = ForgivingStream(sys.stderr)


def is_broken(stream: Any) -> bool:
    """Whether nobody can read a stream any more."""
    return bool(getattr(stream, "is_broken", False))
