"""Lists of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class ModelList(list[_T], Generic[_T]):
    """A list that knows the class of its models, so that an empty one can become a data frame with columns.

    Attributes
    ----------
    model : type
        The class of the models.
    """

    __slots__ = ("model",)

    def __init__(self, model: type[_T], rows: Iterable[_T] = ()) -> None:
        super().__init__(rows)
        self.model = model
