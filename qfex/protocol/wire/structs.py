"""Models straight from bytes: msgspec fills a struct, and the struct becomes the model.

The detour is measured. msgspec fills structs far quicker than attrs classes, whose members it cannot rename either. And a
frozen attrs class sets each of its members by a call of its own, which takes as long as all of msgspec's work. So the
values go into a twin of the model that is not frozen, in a third of the time, whose class is then changed to the model's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args, get_type_hints

import attrs
import msgspec
from msgspec.structs import astuple

from ...enums import OpenEnum
from .codec import WIRE_NAMES

_ModelT = TypeVar("_ModelT")


def struct_of(model: type[Any]) -> Any:
    """A struct with a model's members, in their order, under their names on the wire."""
    types = get_type_hints(model)
    members = [
        (
            field.name,
            _type_of(types[field.name]),
            *(() if field.default is attrs.NOTHING else (field.default,)),
        )
        for field in attrs.fields(model)
    ]
    return msgspec.defstruct(model.__name__, members, rename=WIRE_NAMES[model], gc=False)


def _type_of(kind: Any) -> Any:
    """The type of a member. An enumeration does not allow null, since msgspec would take the text "NULL" for it too."""
    enumerations = [each for each in get_args(kind) if isinstance(each, type) and issubclass(each, OpenEnum)]
    return enumerations[0] if enumerations else kind


def maker_of(model: type[_ModelT]) -> Callable[[Any], _ModelT]:
    """The function that makes a model of its filled struct.

    Python lets an object change its class where both classes have the same slots. The slot for weak references is not
    among them, so models that are made here must do without it (``weakref_slot=False``).
    """
    names = [field.name for field in attrs.fields(model)]  # type: ignore[arg-type]
    twin: Any = attrs.make_class(model.__name__, names, slots=True, weakref_slot=False, repr=False, eq=False)
    twin.__new__(twin).__class__ = model  # fails here, at import, if the class of a twin cannot be changed

    def make(struct: Any) -> _ModelT:
        made = twin(*astuple(struct))
        made.__class__ = model
        return made  # type: ignore[no-any-return]

    return make
