"""The scripts that make the pictures of the documentation still work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.blocks import PAGES, ROOT

TOOLS = ROOT / "docs" / "tools"
IMAGES = ROOT / "docs" / "images"
LIMIT = 100.0  # seconds for all scripts together; they take about ten

#: Script -> the pictures that it makes. The pictures of the notebooks have their own test.
MADE = {
    TOOLS / "diagrams.py": [
        "callback.svg",
        "order.svg",
        "rebalance_crash.svg",
        "reconnect.svg",
        "unknown.svg",
    ],
    TOOLS / "terminal.py": ["demo.svg", "doctor.svg", "market.svg"],
    TOOLS / "charts.py": ["outage.png", "rate_limit.png"],
    ROOT / "docs" / "screenshots.py": ["monitor.svg", "plan.svg", "rebalance.png"],
}
NOTEBOOKS = ["11_moving_average_1.png", "12_market_maker_1.png"]
EVERY = [name for names in MADE.values() for name in names]


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with newly made pictures, from scripts that run in parallel."""
    folder = tmp_path_factory.mktemp("pictures")
    running = [
        subprocess.Popen(
            [sys.executable, str(script), str(folder)], env={"PYTHONPATH": str(ROOT)}, cwd=folder
        )
        for script in MADE
    ]
    try:
        assert [process.wait(LIMIT) for process in running] == [0] * len(running)
    finally:
        for process in running:
            process.kill()
            process.wait()
    return folder


@pytest.mark.parametrize("name", EVERY)
def test_a_script_makes_its_picture(name: str, renewed: Path) -> None:
    content = (renewed / name).read_bytes()
    if name.endswith(".svg"):
        assert ElementTree.fromstring(content).tag.endswith("svg")
    else:
        assert content.startswith(b"\x89PNG") and len(content) > 5_000


@pytest.mark.parametrize("name", MADE[TOOLS / "diagrams.py"])
def test_a_diagram_is_up_to_date(name: str, renewed: Path) -> None:
    assert (renewed / name).read_bytes() == (IMAGES / name).read_bytes()


def test_the_demo_picture_shows_all_scenes(renewed: Path) -> None:
    text = "".join(ElementTree.parse(renewed / "demo.svg").getroot().itertext()).replace("\xa0", " ")
    for scene in (
        "A limit order rests",
        "STOP fired",
        "TWAP ended",
        "reconnects: 1",
        "the exchange cancels its order",
    ):
        assert scene in text


def test_the_doctor_picture_shows_the_wrong_key(renewed: Path) -> None:
    text = "".join(ElementTree.parse(renewed / "doctor.svg").getroot().itertext()).replace("\xa0", " ")
    assert "FAIL authentication" in text and "make a key pair" in text


def test_the_pages_show_all_pictures() -> None:
    shown = {name for page in PAGES for name in re.findall(r"images/([\w.]+)\)", page.read_text("utf-8"))}
    assert shown == {*EVERY, *NOTEBOOKS} == {path.name for path in IMAGES.iterdir()}
