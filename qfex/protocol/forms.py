"""Models straight from bytes: what msgspec fills in a model's stead, and how that becomes the model.

A detour that pays. msgspec fills structs far quicker than attrs classes, whose members it cannot rename either. And a
frozen attrs class writes each of its members by a call of its own, which takes as long as all that msgspec does: the
same class, not frozen, is filled in a third of the time, and can be declared frozen afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args, get_type_hints

import attrs
import msgspec
from msgspec.structs import astuple

from ..enums import OpenEnum
from .codec import WIRE_NAMES

_ModelT = TypeVar("_ModelT")


def form_of(model: type[Any]) -> Any:
    """A struct with a model's members, in their order, under their names on the wire."""
    types = get_type_hints(model)
    members = [
        (
            field.name,
            _taken_for(types[field.name]),
            *(() if field.default is attrs.NOTHING else (field.default,)),
        )
        for field in attrs.fields(model)
    ]
    return msgspec.defstruct(model.__name__, members, rename=WIRE_NAMES[model], gc=False)


def _taken_for(kind: Any) -> Any:
    """The type of a member. An enumeration's allows no null, for which msgspec would take the text "NULL", too."""
    enumerations = [each for each in get_args(kind) if isinstance(each, type) and issubclass(each, OpenEnum)]
    return enumerations[0] if enumerations else kind


def maker_of(model: type[_ModelT]) -> Callable[[Any], _ModelT]:
    """What makes a model of its filled form.

    Python lets an object change its class where both have the same slots. Not so the slot for weak references, which
    models made here must do without (``weakref_slot=False``).
    """
    names = [field.name for field in attrs.fields(model)]  # type: ignore[arg-type]
    thawed: Any = attrs.make_class(
        model.__name__, names, slots=True, weakref_slot=False, repr=False, eq=False
    )
    thawed.__new__(thawed).__class__ = model  # now, rather than within a message, should it not be possible

    def make(form: Any) -> _ModelT:
        made = thawed(*astuple(form))
        made.__class__ = model
        return made  # type: ignore[no-any-return]

    return make
