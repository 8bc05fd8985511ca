"""Griffe extension for the reference: the fields of attrs classes are parameters of their constructors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from griffe import Attribute, Class, Extension, Function, Parameter, ParameterKind, Parameters

_DECORATORS = ("attrs.frozen", "attrs.define")


class AttrsFields(Extension):
    """Gives attrs classes the constructor that attrs generates."""

    def on_class(self, *, cls: Class, **kwargs: Any) -> None:
        """Add the constructor."""
        decorator = next((str(each.value) for each in cls.decorators), "")
        if not decorator.startswith(_DECORATORS):
            return
        keywords = (
            ParameterKind.keyword_only if "kw_only=True" in decorator else ParameterKind.positional_or_keyword
        )
        receiver = Parameter("self", kind=ParameterKind.positional_or_keyword)
        parameters = Parameters(receiver, *_fields(cls, keywords))
        cls.set_member("__init__", Function("__init__", parameters=parameters, returns="None"))


def _fields(cls: Class, kind: ParameterKind) -> Iterator[Parameter]:
    for attribute in cls.members.values():
        if (
            isinstance(attribute, Attribute)
            and attribute.annotation is not None
            and "property" not in attribute.labels
        ):
            name = attribute.name.lstrip("_")
            yield Parameter(name, annotation=attribute.annotation, kind=kind, default=_default(attribute))


def _default(attribute: Attribute) -> str | None:
    """Return the default of a field as the reference shows it."""
    written = str(attribute.value) if attribute.value is not None else None
    if written is None or not written.startswith(("attrs.field(", "attrs.Factory(")):
        return "Decimal(0)" if written == "_ZERO" else written
    inner = dict(part.split("=", 1) for part in written[:-1].partition("(")[2].split(", ") if "=" in part)
    if "factory" in inner or written.startswith("attrs.Factory"):
        return "..."
    return inner.get("default")
