"""Precise types in every public signature and every field of a model, for type checkers and editors."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

import qfex
from qfex import dataframes, ledger
from qfex.models import history, instruments

BARE = (dict, list, tuple, set, frozenset)
CLASSES = sorted(
    (
        made
        for made in {
            member
            for module in (qfex, history, instruments, ledger)
            for member in (getattr(module, name) for name in getattr(module, "__all__", vars(module)))
            if inspect.isclass(member)
            and member.__module__.startswith("qfex")
            and not member.__name__.startswith("_")
        }
    ),
    key=lambda made: (made.__module__, made.__qualname__),
)
NAMES = {
    name: getattr(qfex, name) for name in qfex.__all__
}  # some modules import them only for the type checker
MODELS = [made for made in CLASSES if attrs.has(made)]


def parts(hint: Any) -> Iterator[Any]:
    """A type and all types within it, except the arguments of callables, which users choose themselves."""
    yield hint
    if typing.get_origin(hint) is not typing.get_origin(typing.Callable[..., Any]):
        for argument in typing.get_args(hint):
            yield from parts(argument)


def is_vague(hint: Any) -> bool:
    return any(part is Any or part in BARE for part in parts(hint) if part is Any or isinstance(part, type))


def returns(made: type) -> Iterator[tuple[str, Any]]:
    """Each public method or property of a class with the type that it returns."""
    for name, member in inspect.getmembers(made):
        function = member.fget if isinstance(member, property) else member
        if name.startswith("_") and name not in ("__enter__", "__iter__", "__next__"):
            continue
        if inspect.isroutine(function) and str(getattr(function, "__module__", "")).startswith("qfex"):
            yield name, typing.get_type_hints(function, localns=NAMES).get("return", Any)


@pytest.mark.parametrize("made", CLASSES, ids=lambda made: made.__qualname__)
def test_no_method_returns_a_vague_type(made: type) -> None:
    assert {name: hint for name, hint in returns(made) if is_vague(hint)} == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda made: made.__qualname__)
def test_no_field_of_a_model_has_a_vague_type(model: type) -> None:
    hints = typing.get_type_hints(model)
    assert {
        field.name: hints[field.name] for field in attrs.fields(model) if is_vague(hints[field.name])
    } == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda made: made.__qualname__)
def test_models_are_frozen_and_slotted(model: type) -> None:
    assert "__slots__" in vars(model)
    assert "__dict__" not in dir(model)
    assert model.__setattr__ is not object.__setattr__


def test_vague_types_are_recognised() -> None:
    for hint in (Any, list[Any], dict, dict[str, Any], Any | None, list[dict[str, list]]):
        assert is_vague(hint)
    for hint in (int, list[int], dict[str, tuple[int, ...]], None, typing.Callable[[Any], object]):
        assert not is_vague(hint)


def test_to_frame_is_typed() -> None:
    assert inspect.signature(dataframes.to_frame).return_annotation == "pandas.DataFrame"
