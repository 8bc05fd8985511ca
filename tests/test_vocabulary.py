"""Words that this project does not use: private terms, and "line" in the sense of a network connection.

The field has its own terms, and a reader should not have to learn others. The test searches code, comments, docstrings,
messages, pages, tests, and the texts of pictures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("qfex", "docs", "samples", "tests", "benchmarks")
FILES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "mkdocs.yml", "setup.cfg")
SUFFIXES = {".py", ".md", ".ipynb", ".svg", ".toml"}

#: A word -> what is used instead. A word is a whole word of a text, or a part of an identifier.
WORDS = {
    "lane": "exclusive key", "lanes": "exclusive keys", "occupant": "holder", "occupants": "holders",
    "bell": "WaitList", "bells": "WaitList", "observers": "WaitList", "intake": "reader",
    "dialogue": "connection", "dialogues": "connections", "conversation": "connection", "conversations": "connections",
    "farewell": "teardown", "waiter": "pending request", "waiters": "pending requests",
    "told": "delivered, reported", "heard": "received", "anew": "again",
    "thawed": "wire struct", "habits": "ExchangeQuirks", "lingering": "awaiting a late reply",
    "aftermath": "consequences", "nursery": "kill harness", "saboteur": "fault injector",
    "mend": "fix", "mends": "fixes", "mended": "fixed", "mending": "fixing", "gainsay": "deny",
}  # fmt: skip

#: Whole identifiers and names of classes.
NAMES = {
    "ring_all": "notify_all",
    "sleep_until": "wait_until",
    "Line": "Connection",
    "LineLost": "ConnectionEnded",
    "LineDown": "NotUsable",
    "Script": "ProcedureRun",
}

#: Beginnings and ends of what is said of a connection only.
PHRASES = {
    r"(?:lost|new|next|dead|live|quiet|cut|broken|trade|other) lines?": "... connection",
    r"on the line": "on the connection",
    r"off the line": "from the connection",
    r"of the line": "of the connection",
    r"(?:a|the|each|every|that|this) line (?:that|is|was|breaks|broke|ends|ended|dies|died|heals|lives)": "connection",
    r"lines? (?:cut|down|heals|breaks?|dies)": "connections cut",
    r"cuts? (?:a|the|its|their|all) lines?": "cut the connection",
    r"show(?:s|n|ing)? the door": "close unauthenticated",
}

#: Texts of the project in which "line" means a line of text, of code, or of a chart.
ALLOWED = (
    "A line is not a recorded frame",
    "no other line above",
    "the line is the interval",
    "Return the next line. A process",
    "The next line that it prints",
)

_SUBWORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NAME = re.compile(r"[A-Za-z_]\w*")
_TEST_NAME = re.compile(r"`[\w./]+\.py(?:::\w+)?`")


def findings(text: str) -> Iterator[str]:
    """The words, names and phrases of a text that are not used."""
    text = _TEST_NAME.sub("", text)  # where a page names a test, the test has the name
    parts = {part.lower() for part in _SUBWORD.findall(text)}
    yield from (word for word in WORDS if word in parts)
    yield from _names(text)
    flowing = re.sub(r"[\s#]+", " ", text)
    for allowed in ALLOWED:
        flowing = flowing.replace(allowed, "")
    for phrase in PHRASES:
        if found := re.search(rf"\b(?:{phrase})\b", flowing, re.I):
            yield found[0].lower()


def _names(text: str) -> Iterator[str]:
    names = set(_NAME.findall(text))
    yield from (name for name in NAMES if name in names and not _is_prose(name, text))


def _is_prose(name: str, text: str) -> bool:
    """Whether a capitalised word only begins sentences: nothing defines, calls or annotates with it."""
    used = rf"class {name}\b|\b{name}\(|: {name}\b(?= [=)]|,)|-> {name}\b|import {name}\b|`{name}`"
    return name.isalpha() and name.istitle() and not re.search(used, text)


def text_of(path: Path) -> str:
    """What a file says: all of it, or the cells of a notebook without their outputs."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


def sources() -> list[Path]:
    """The files of the project, without recorded messages and this file."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return sorted({path for path in found if path != Path(__file__)} | {ROOT / name for name in FILES})


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_uses_the_fields_terms(path: Path) -> None:
    assert {*findings(text_of(path)), *findings(path.stem)} == set()


def test_every_allowed_text_is_there() -> None:
    flowing = " ".join(re.sub(r"[\s#]+", " ", text_of(path)) for path in sources())
    assert [allowed for allowed in ALLOWED if allowed not in flowing] == []


# --- the search finds what it looks for ----------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "planted",
    [
        "The {} is here.",
        "# {}",
        "def test_the_{}_ends() -> None:",
        "self._{} = 1",
        'raise X("{}")',
        "{}s_of.py",
    ],
)
def test_a_planted_word_is_found(word: str, planted: str) -> None:
    if planted.startswith("{}s"):
        planted = "{}_of.py"
    assert word in set(findings(planted.format(word)))
    assert word in set(findings(planted.format(word.capitalize())))
    assert list(findings(planted.format("connection"))) == []


@pytest.mark.parametrize("word", WORDS)
def test_a_word_within_an_identifier_is_found(word: str) -> None:
    assert word in set(findings(f"class Trade{word.capitalize()}Error:"))


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_name_is_found(name: str) -> None:
    assert name in set(findings(f"class {name}:\n" if name.istitle() else f"x.{name}()\n"))


PLANTED = [
    "after a lost line the", "on a new line, the", "waits for the next line", "a dead line that", "over a live line",
    "on a quiet line", "a cut line heals", "the trade line", "the other line", "a broken line",
    "nothing was on the line", "bytes off the line", "the end of the line", "a line that ended", "the line is down",
    "the line was lost", "the line breaks", "a line\n    # that vanished", "a thousand lines cut", "cut the line",
    "cuts all lines", "each line ended", "show the door", "when lines break",
]  # fmt: skip


@pytest.mark.parametrize("text", PLANTED)
def test_a_line_in_the_sense_of_a_connection_is_found(text: str) -> None:
    assert list(findings(text)) != []


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_phrase_is_planted(phrase: str) -> None:
    assert any(re.search(rf"\b(?:{phrase})\b", re.sub(r"[\s#]+", " ", text)) for text in PLANTED)


@pytest.mark.parametrize(
    "text",
    [
        "prints one line of JSON", "the command line program", "a backslash at the end continues a line",
        "Scripts and lessons", "airplane", "a recommended plan", "request line", "bellwether", "a deadline passed",
        "log lines about one failing callback", "the first line that starts with x", "Line numbers count from 1.",
    ],
)  # fmt: skip
def test_a_line_of_text_is_allowed(text: str) -> None:
    assert list(findings(text)) == []
