"""The tables of the documentation agree with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from qfex import Channel, ConnectionState, ErrorEvent, MarketChannel, RateLimitPolicy, ReconnectPolicy, errors
from qfex.cli.app import cli
from qfex.cli.exit_codes import MEANINGS
from qfex.http.account import AccountOperations
from qfex.http.market import MarketOperations
from qfex.protocol.trade.specs import SPECS
from qfex.sim.feeds.faults import FeedFaults
from qfex.sim.server.faults import Faults
from qfex.sim.server.network_proxy import NetworkProxy
from qfex.sim.server.runtime import Options
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def rows(name: str) -> list[list[str]]:
    """Return the cells of all tables of a page, without backticks and emphasis."""
    lines = re.findall(r"^\|(.+)\|$", page(name), re.M)
    return [[cell.strip().replace("`", "").replace("*", "") for cell in line.split("|")] for line in lines]


def public(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def test_the_table_of_exit_codes_is_complete() -> None:
    listed = {int(cells[0]): cells[1] for cells in rows("cli.md") if cells[0].isdigit()}
    known = {int(code): meaning.replace("`", "") for code, meaning in MEANINGS.items()}
    assert {code: text.replace("set-up", "setup") for code, text in listed.items()} == known


@pytest.mark.parametrize("name", ["rate-limits.md", "commands/index.md"])
def test_the_weights_of_commands_are_correct(name: str) -> None:
    known = {kind.type: (spec.weight, spec.bucket) for kind, spec in SPECS.items()}
    for cells in rows(name):
        weight = next((cell for cell in cells[1:] if re.match(r"\d", cell)), None)
        for message in re.findall(r"\b[a-z]+_[a-z_]+\b", cells[0] if name == "rate-limits.md" else cells[-3]):
            if weight is not None and message in known:
                assert float(weight.split()[0].strip(",")) == known[message][0], message
                assert ("cancels" in weight) == (known[message][1] == "cancel"), message


def test_the_defaults_of_the_policies_are_correct() -> None:
    patience, budget = ReconnectPolicy(), RateLimitPolicy()
    for name in ("initial_delay", "max_delay", "heartbeat_interval", "heartbeat_timeout"):
        assert f"{name}={getattr(patience, name)}," in page("reconnects.md")
    assert f"the default is {budget.units_per_second:.0f}" in page("rate-limits.md")
    assert f"the default is {budget.burst:.0f}" in page("rate-limits.md")


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("callbacks.md", [channel.name for channel in Channel]),
        ("market-data.md", [channel.name for channel in MarketChannel if not channel.is_local]),
        ("reconnects.md", [state.name for state in ConnectionState]),
        ("history.md", public(MarketOperations) + public(AccountOperations)),
        ("faults.md", public(Faults) + public(FeedFaults)),
        ("faults.md", [name for name in public(NetworkProxy) if name not in ("connections", "open", "close")]),
        ("simulator.md", [field.name for field in fields(Options)]),
        ("cli.md", list(cli.commands)),
    ],
)  # fmt: skip
def test_a_page_names_all_members(name: str, members: list[str]) -> None:
    text = page(name)
    assert [member for member in members if not re.search(rf"\b{member}\b", text)] == []


def test_the_tree_of_errors_is_complete() -> None:
    kinds = [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.QfexError)
    ]
    assert [name for name in kinds if name not in page("outcomes.md")] == []


def test_the_page_names_exactly_the_threads_that_exist() -> None:
    named = set(re.findall(r"^\| `(qfex-[\w-]+)`", page("threads.md"), re.M))
    sources = [path.read_text("utf-8") for path in (ROOT / "qfex").rglob("*.py")]
    assert (
        sum(source.count("threading.Thread(") for source in sources) == 5
    )  # reader, dispatcher, history, renewal, simulator
    assert named == {
        "qfex-trade-reader", "qfex-trade-dispatcher", "qfex-market-data-reader", "qfex-market-data-dispatcher",
        "qfex-trade-history", "qfex-trade-renewal", "qfex-sim",
    }  # fmt: skip


def locks_of(path: Path) -> Iterator[str]:
    """The attributes and variables of a module to which a lock is assigned, with their classes."""
    tree = ast.parse(path.read_text("utf-8"))
    for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in ast.walk(scope) if scope is not tree else tree.body:
            if isinstance(node, ast.Assign) and re.fullmatch(
                r"(threading\.R?Lock|(Inner|Reentrant)?Mutex)\(\)", ast.unparse(node.value)
            ):
                prefix = f"{scope.name}." if isinstance(scope, ast.ClassDef) else ""
                yield prefix + ast.unparse(node.targets[0]).removeprefix("self.")


def test_the_page_lists_exactly_the_locks_that_exist() -> None:
    """Without the simulator, and without the lock on which a thread sleeps where the system has no eventfd."""
    listed = set(re.findall(r"^\| `([\w.]+)` \| `(qfex/[\w/.]+)` \|", page("threads.md"), re.M))
    sources = [path for path in (ROOT / "qfex").rglob("*.py") if "sim" not in path.parts]
    locks = {(lock, path.relative_to(ROOT).as_posix()) for path in sources for lock in locks_of(path)}
    locks.remove(("_LockWakeUp._sleeping", "qfex/threads.py"))
    assert listed == locks and len(locks) > 10


def test_the_page_lists_exactly_the_kinds_of_error_events() -> None:
    table = page("callbacks.md").partition("| `ErrorEvent.kind` |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `([\w ]+)` \|", table, re.M)
    sources = [path.read_text("utf-8") for path in (ROOT / "qfex").rglob("*.py")]
    emitted = {
        kind
        for text in sources
        for kind in re.findall(r'(?:report|[eE]rror_?[eE]vent)\(\s*"([a-z ]+)"', text)
    }
    assert set(listed) == emitted
    assert set(re.findall(r'- ``"([a-z ]+)"``:', ErrorEvent.__doc__ or "")) == emitted


def test_no_page_names_a_missing_file() -> None:
    for path in DOCS.rglob("*.md"):
        for named in re.findall(r"`((?:qfex|samples|benchmarks|docs)/[\w./-]+)`", path.read_text("utf-8")):
            made_by_a_target = named == "benchmarks/RESULTS.md"
            assert made_by_a_target or (ROOT / Path(named)).exists(), f"{path.name} names {named}"
