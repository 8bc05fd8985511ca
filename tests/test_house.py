"""Rules that the linter does not check: short files, short functions, no waiting by polling."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("qfex", "tests", "benchmarks", "samples")
MAX_FILE = 500
LONGER = {"qfex/client.py": 1000}  # a page with every method of the client
MAX_FUNCTION = 40
SHORTEST_SLEEP = 0.05  # seconds

SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NO_CODE = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, including methods and nested functions."""
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def code_lines(source: str) -> set[int]:
    """Numbers of the lines that contain code, not only blanks or comments."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def length(function: ast.FunctionDef | ast.AsyncFunctionDef, code: set[int]) -> int:
    """Number of lines of code of a function, without its docstring."""
    own = set(range(function.lineno, (function.end_lineno or function.lineno) + 1)) & code
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        own -= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return len(own)


def long_functions(source: str) -> list[str]:
    code = code_lines(source)
    return [each.name for each in functions(ast.parse(source)) if length(each, code) > MAX_FUNCTION]


def short_sleeps(source: str) -> list[int]:
    """Lines that call ``sleep`` with less than `SHORTEST_SLEEP` or with something other than a constant."""
    return [
        call.lineno for call in ast.walk(ast.parse(source)) if isinstance(call, ast.Call) and _is_short(call)
    ]


def _is_short(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name != "sleep" or not call.args:
        return False
    seconds = call.args[0]
    return not (isinstance(seconds, ast.Constant) and float(seconds.value) >= SHORTEST_SLEEP)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_and_functions_are_short(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= LONGER.get(named(path), MAX_FILE)
    assert long_functions(source) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if path.is_relative_to(ROOT / "qfex")], ids=named)
def test_the_package_waits_for_events_instead_of_polling(path: Path) -> None:
    # The simulator sleeps on its event loop to delay frames on purpose.
    if not path.is_relative_to(ROOT / "qfex" / "sim"):
        assert short_sleeps(path.read_text()) == []


def test_the_typical_function_is_short() -> None:
    lengths: list[int] = []
    for path in (ROOT / "qfex").rglob("*.py"):
        source = path.read_text()
        code = code_lines(source)
        lengths += [length(each, code) for each in functions(ast.parse(source))]
    assert sorted(lengths)[len(lengths) // 2] < 10


def test_every_module_has_a_docstring() -> None:
    silent = [named(path) for path in SOURCES if path.read_text().strip() and not _docstring(path)]
    assert silent == []


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text()))


def test_the_checks_find_violations() -> None:
    body = "\n".join(f"    x = {number}" for number in range(MAX_FUNCTION))
    assert long_functions(f"def f():\n    'd'\n\n    # c\n{body}\n") == ["f"]
    assert long_functions("def f():\n    '''\n" + "\n" * 90 + "'''\n    return 1\n") == []
    assert short_sleeps("import time\ntime.sleep(0.01)\ntime.sleep(n)\ntime.sleep(0.1)\nsleep(0)\n") == [
        2,
        3,
        5,
    ]
