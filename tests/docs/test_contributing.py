"""The steps of docs/contributing.md work on a copy of the source, and each of them is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.additions import added, apply, copy_source, steps_of
from tests.docs.blocks import ROOT, Block
from tests.docs.walks import Walks, changes, measure, walks_of

PAGE = ROOT / "docs" / "contributing.md"
STEPS = steps_of(PAGE)
LIMIT = 200.0  # seconds; alone on a machine, a run takes four

pytestmark = pytest.mark.timeout(LIMIT + 20)

#: The tests for commands: the files that the steps add to, the tables of the documentation, and the limits of length.
TESTS = sorted(
    {step.title for step in STEPS if step.title.startswith("tests/")}
    | {
        "tests/docs/test_facts.py::test_the_weights_of_commands_are_correct",
        "tests/docs/test_site.py::test_a_page_names_every_method",
        "tests/test_house.py",
    }
)


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests for commands in a copy of the source."""
    paths = [path for path in TESTS if (folder / path.partition("::")[0]).exists()]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *paths],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_the_new_command_is_sent_answered_and_described_everywhere(tmp_path: Path) -> None:
    copy_source(tmp_path, PAGE)
    apply(STEPS, tmp_path)
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stdout


def test_the_result_has_the_projects_style(tmp_path: Path) -> None:
    copy_source(tmp_path, PAGE)
    apply(STEPS, tmp_path)
    changed = sorted({step.title for step in STEPS if step.title.endswith(".py")})
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, *changed]
        ended = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("missing", range(len(STEPS)), ids=[f"{step.title}:{step.line}" for step in STEPS])
def test_a_test_fails_if_a_step_is_left_out(missing: int, tmp_path: Path) -> None:
    if STEPS[missing].value == "as a new file":
        pytest.skip("this step is the test")
    copy_source(tmp_path, PAGE)
    apply([step for number, step in enumerate(STEPS) if number != missing], tmp_path)
    assert run(tmp_path).returncode != 0


def test_a_step_for_a_line_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = {\n}\n", "utf-8")
    step = Block(page=PAGE, line=1, language="python", title="a.py", text="    1: 2,\n", mark="add")
    assert added(path, Block(**{**vars(step), "value": 'before "}"'})) == "x = {\n    1: 2,\n}\n"
    with pytest.raises(ValueError, match="no line of a.py"):
        added(path, Block(**{**vars(step), "value": 'before "]"'}))


# --- walks -------------------------------------------------------------------------------------------------------

LISTED = walks_of(PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def walks() -> Walks:
    """Traces of real calls."""
    return measure()


@pytest.mark.parametrize("walk", LISTED, ids=", ".join)
def test_a_walk_lists_the_files_that_a_trace_passes(walk: tuple[str, str], walks: Walks) -> None:
    listed = LISTED[walk]
    assert set(listed.files) == set(walks[walk])
    assert listed.file_count == len(listed.files) == len(set(listed.files))
    assert changes(walks[walk]) <= listed.changes


def test_every_walk_is_on_the_page(walks: Walks) -> None:
    assert set(LISTED) == set(walks)
