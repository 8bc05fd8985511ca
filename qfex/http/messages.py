"""What operations ask, what goes over HTTP, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Call:
    """What an operation asks for.

    Attributes
    ----------
    private : bool
        Whether it needs credentials. Public operations carry none.
    of_user : bool
        Whether it concerns the user as a whole, so that the account header stays away.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.Factory(dict)
    body: bytes | None = None
    private: bool = False
    of_user: bool = False
    accept: str = "application/json"


@attrs.frozen
class Request:
    """One HTTP request. Its headers may hold credentials."""

    method: str
    url: str
    query: Mapping[str, str] = attrs.Factory(dict)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@attrs.frozen
class Answer:
    """One HTTP answer, its header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the server did what was asked. A redirect is a no: it is not followed."""
        return 200 <= self.status < 300
