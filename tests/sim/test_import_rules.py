"""The layers of the simulator: engine, gateway, feeds, server. Each one knows only those before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "qfex" / "sim").rglob("*.py"))
}
_NO_THREADS_AND_SOCKETS = ("aiohttp", "asyncio", "threading", "socket")

# A module, or a package with its modules -> what it must not import, not even for type checkers.
FORBIDDEN = {
    "qfex.sim.engine": (
        "qfex.sim.gateway", "qfex.sim.feeds", "qfex.sim.server", "qfex.sim.websocket", "time",
        *_NO_THREADS_AND_SOCKETS,
    ),
    "qfex.sim.gateway": (
        "qfex.sim.feeds", "qfex.sim.server", "qfex.sim.websocket", *_NO_THREADS_AND_SOCKETS,
    ),
    "qfex.sim.gateway.context": ("qfex.sim.gateway.gateway",),
    "qfex.sim.gateway.handlers": ("qfex.sim.gateway.gateway",),
    "qfex.sim.gateway.message_handler": ("qfex.sim.gateway.gateway",),
    "qfex.sim.gateway.session": ("qfex.sim.gateway.gateway",),
    "qfex.sim.gateway.table": ("qfex.sim.gateway.gateway",),
    "qfex.sim.websocket": ("qfex.sim.server", "qfex.sim.feeds", "qfex.sim.gateway", "qfex.sim.engine"),
}  # fmt: skip


def imports(source: str, module: str, is_package: bool, *, typing: bool = True) -> Iterator[str]:
    """Yield the full names of what a module imports; with ``typing``, also what only type checkers see."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing:
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            parent = parts[: len(parts) - node.level + is_package] if node.level else []
            base = ".".join(parent + ([node.module] if node.module else []))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of(module: str, *, typing: bool = True) -> set[str]:
    path = MODULES[module]
    return set(imports(path.read_text("utf-8"), module, path.name == "__init__.py", typing=typing))


def is_under(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("part", FORBIDDEN)
def test_no_layer_knows_a_later_one_and_no_handler_knows_the_gateway(part: str) -> None:
    modules = [module for module in MODULES if is_under(module, part)]
    assert modules, f"there is no module {part}"
    wrong = [
        f"{module} imports {name}"
        for module in modules
        for name in imports_of(module)
        if any(is_under(name, forbidden) for forbidden in FORBIDDEN[part])
    ]
    assert wrong == []


def test_the_feeds_load_nothing_of_the_server() -> None:
    """Only type checkers see the runtime that the feeds are given."""
    modules = [module for module in MODULES if is_under(module, "qfex.sim.feeds")]
    assert len(modules) > 10
    wrong = [
        f"{module} imports {name}"
        for module in modules
        for name in imports_of(module, typing=False)
        if is_under(name, "qfex.sim.server")
    ]
    assert wrong == []


def test_the_checker_sees_relative_late_and_typing_imports() -> None:
    source = (
        "import time as clock\nfrom .. import engine\n"
        "def late():\n    from .gateway import TradeGateway\n"
        "if TYPE_CHECKING:\n    from .session import TradeSession\n"
    )
    seen = {"time", "qfex.sim.engine", "qfex.sim.gateway.gateway.TradeGateway"}
    typing = {"qfex.sim.gateway.session.TradeSession"}
    assert set(imports(source, "qfex.sim.gateway.x", False)) == seen | typing
    assert set(imports(source, "qfex.sim.gateway.x", False, typing=False)) == seen
    assert set(imports("from .faults import Faults", "qfex.sim.server", True)) == {
        "qfex.sim.server.faults.Faults"
    }
