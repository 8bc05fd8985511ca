"""Imports point in one direction: threads and sockets import the pure code, and never the reverse."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "qfex"

#: Threads, sockets and clocks, which pure code does without.
_IMPURE = (
    "threading", "socket", "websocket", "requests", "queue", "time", "select", "asyncio", "aiohttp", "os",
)  # fmt: skip
#: From the facade down to the sockets.
_FACADES = ("qfex.client", "qfex.market_data", "qfex.base_client", "qfex.checked_commands", "qfex.rest")

#: Part of the package -> what it must not import, by the beginning of the full module name.
FORBIDDEN = {
    "qfex.models": (*_FACADES, "qfex.session", "qfex.net", "qfex.workflows", "qfex.http", "qfex.sim", *_IMPURE),
    "qfex.protocol": (*_FACADES, "qfex.session", "qfex.net", "qfex.workflows", "qfex.http", "qfex.sim", *_IMPURE),
    "qfex.protocol.wire": ("qfex.protocol.trade", "qfex.protocol.market"),
    "qfex.protocol.market": ("qfex.protocol.trade",),
    "qfex.net": (
        *_FACADES, "qfex.session", "qfex.workflows", "qfex.http", "qfex.sim", "qfex.protocol.trade",
        "qfex.protocol.market", "qfex.protocol.connection", "requests",
    ),
    "qfex.session": (
        *_FACADES, "qfex.workflows", "qfex.http", "qfex.sim", "requests", "qfex.protocol.trade", "qfex.protocol.market",
    ),
    "qfex.workflows": (*_FACADES, "qfex.http", "qfex.sim", "qfex.net", "requests", "websocket", "socket"),
    "qfex.http": (
        "qfex.session", "qfex.net", "qfex.workflows", "qfex.client", "qfex.base_client", "qfex.sim", "websocket",
    ),
}  # fmt: skip

#: What the simulator may import from the client. It tests the client, so it must not share its other code.
ALLOWED_TO_SIM = ("qfex.sim", "qfex.environment", "qfex.credentials", "qfex._version")


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a module without those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from runtime_nodes(node)


def imports(source: str, module: str, is_package: bool) -> set[str]:
    """Full names of everything that a module imports, including imports within functions."""
    found: set[str] = set()
    for node in runtime_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, is_package)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def _base(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    anchor = module.split(".")
    anchor = anchor[: len(anchor) - node.level + (1 if is_package else 0)]
    return ".".join(anchor + ([node.module] if node.module else []))


def is_under(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


#: Allowed exceptions: imports inside the function that needs them.
LATE_IMPORTS = {
    "qfex.workflows.history": {"qfex.rest.RestClient"},  # the history is asked on demand
    "qfex.net.handshake": {"requests.utils.get_environ_proxies", "requests.utils.select_proxy"},
}
MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str) -> set[str]:
    path = MODULES[module]
    return imports(path.read_text(), module, path.name == "__init__.py")


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_what_it_must_not(module: str) -> None:
    forbidden = [name for part, names in FORBIDDEN.items() if is_under(module, part) for name in names]
    allowed = LATE_IMPORTS.get(module, set())
    wrong = {each for each in imports_of(module) - allowed if any(is_under(each, name) for name in forbidden)}
    assert wrong == set()


@pytest.mark.parametrize("module", [module for module in MODULES if is_under(module, "qfex.sim")])
def test_the_simulator_shares_no_code_with_the_client(module: str) -> None:
    own = {each for each in imports_of(module) if is_under(each, "qfex")}
    assert {each for each in own if not any(is_under(each, name) for name in ALLOWED_TO_SIM)} == set()


#: Programs that may start a simulator.
_PROGRAMS = ("qfex.sim", "qfex.demo", "qfex.cli", "qfex.monitor", "qfex.pytest_plugin")
_CLIENT = [module for module in MODULES if not any(is_under(module, program) for program in _PROGRAMS)]


@pytest.mark.parametrize("module", _CLIENT)
def test_the_client_does_not_import_the_simulator(module: str) -> None:
    assert {each for each in imports_of(module) if is_under(each, "qfex.sim")} == set()


def loaded_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def test_a_plain_import_loads_neither_http_nor_servers() -> None:
    loaded = loaded_after("import qfex")
    assert "qfex.client" in loaded
    assert loaded.isdisjoint({"requests", "aiohttp", "asyncio", "pandas", "rich", "hypothesis"})


def circles(within: str) -> list[set[str]]:
    """Groups of modules that import each other, directly or through others."""
    graph = {
        module: {each if each in MODULES else each.rpartition(".")[0] for each in imports_of(module)}
        & MODULES.keys()
        for module in MODULES
        if is_under(module, within)
    }
    reached = {module: _reachable(module, graph) for module in graph}
    groups = [{other for other in reached[module] if module in reached.get(other, ())} for module in graph]
    return [group for group in groups if len(group) > 1]


def _reachable(module: str, graph: dict[str, set[str]]) -> set[str]:
    waiting, reached = set(graph[module]), set[str]()
    while waiting:
        each = waiting.pop()
        reached.add(each)
        waiting |= graph.get(each, set()) - reached
    return reached


@pytest.mark.parametrize(
    "part",
    ["qfex.protocol", "qfex.models", "qfex.session", "qfex.net", "qfex.workflows", "qfex.http", "qfex.sim"],
)
def test_no_modules_import_each_other_in_a_circle(part: str) -> None:
    assert circles(part) == []


def reached_from(package: str) -> set[str]:
    """Modules of the package that `package` imports, directly or indirectly."""
    waiting, reached = {module for module in MODULES if is_under(module, package)}, set[str]()
    while waiting:
        module = waiting.pop()
        reached.add(module)
        named = {each if each in MODULES else each.rpartition(".")[0] for each in imports_of(module)}
        waiting |= (named & MODULES.keys()) - reached
    return reached


@pytest.mark.parametrize("package", ["qfex.protocol", "qfex.models"])
def test_pure_code_imports_no_threads_or_sockets_indirectly(package: str) -> None:
    reached = reached_from(package)
    assert {"qfex.enums", "qfex.errors", "qfex.models.orders"} <= reached
    used = set[str]().union(*(imports_of(module) for module in reached))
    impure = {"threading", "socket", "websocket", "select", "queue", "requests", "asyncio", "qfex.session"}
    assert {each for each in used if any(is_under(each, name) for name in impure)} == set()


def test_every_form_of_import_is_recognised() -> None:
    source = (
        "import time as clock\nfrom ..session.lifecycle import Session\nfrom . import events\n"
        "def late():\n    from ..rest import RestClient\n"
        "if TYPE_CHECKING:\n    import threading\n"
    )
    assert imports(source, "qfex.protocol.x", is_package=False) == {
        "time", "qfex.session.lifecycle.Session", "qfex.protocol.events", "qfex.rest.RestClient",
    }  # fmt: skip
    assert imports("from .reader import Reader", "qfex.session", is_package=True) == {
        "qfex.session.reader.Reader"
    }
