"""The structure of the site: every page is in the navigation, and every link has a target."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import qfex
import qfex.rebalance
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def leaves(tree: Any) -> Iterator[str]:
    """Return the paths in a navigation tree."""
    if isinstance(tree, str):
        yield tree
    else:
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(branch)


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    words = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading)).strip().lower()
    return re.sub(r"[-\s]+", "-", words)


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.M)}


def test_every_page_is_in_the_navigation() -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    assert sorted(leaves(navigation)) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_has_a_target(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text("utf-8")):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors(path), f"{target} has no heading #{anchor}"


def test_the_reference_has_every_public_name() -> None:
    reference = "".join(page.read_text("utf-8") for page in (DOCS / "api").iterdir())
    listed = set(re.findall(r"^::: (\S+)$", reference, re.M))
    public = {f"qfex.{name}" for name in qfex.__all__ if name not in ("PROD", "UAT", "__version__")}
    public |= {f"qfex.rebalance.{name}" for name in qfex.rebalance.__all__}
    assert public - listed == set()


@pytest.mark.parametrize("method", [name for name in dir(qfex.TradeClient) if not name.startswith("_")])
def test_a_page_names_every_method(method: str) -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert re.search(rf"\b{method}\b", text)
