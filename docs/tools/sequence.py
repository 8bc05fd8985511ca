"""Sequence diagrams as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

MARGIN, HEAD, STEP, FOOT = 20, 64, 34, 22  # pixels
LETTER = 6.7  # average width of a letter in a note, in pixels

INK, FAINT, PAPER, BOX = "#22303c", "#8a97a5", "#ffffff", "#eef2f7"
LOST, MARK = "#c8503c", "#2f6db5"

_STYLE = f"""\
<style>
text {{ font: 13px sans-serif; fill: {INK}; }}
.name {{ font-weight: bold; text-anchor: middle; }}
.said {{ text-anchor: middle; }}
.note {{ font-size: 12px; }}
.lost {{ fill: {LOST}; }}
.mark {{ fill: {MARK}; font-size: 12px; font-style: italic; text-anchor: middle; }}
</style>
<defs>
<marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker>
</defs>"""


@dataclass(frozen=True)
class Message:
    """An arrow between participants. A reply is dashed; a lost message ends in a cross halfway."""

    source: str
    target: str
    text: str
    reply: bool = False
    lost: bool = False


@dataclass(frozen=True)
class Note:
    """A remark below a participant."""

    participant: str
    text: str


@dataclass(frozen=True)
class Mark:
    """A rule across the diagram, with a text."""

    text: str


Step = Message | Note | Mark


@dataclass
class Diagram:
    """A sequence diagram.

    Attributes
    ----------
    participants : sequence of str
        Names, from left to right.
    spread : int
        Pixels between two participants.
    """

    participants: Sequence[str]
    steps: Sequence[Step]
    spread: int = 230
    _x: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._x = {
            participant: MARGIN + self.spread * (0.5 + index)
            for index, participant in enumerate(self.participants)
        }

    @property
    def width(self) -> int:
        """Width in pixels."""
        return 2 * MARGIN + self.spread * len(self.participants)

    @property
    def height(self) -> int:
        """Height in pixels."""
        return HEAD + STEP * len(self.steps) + FOOT

    def svg(self) -> str:
        """Return the diagram."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
        lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', _STYLE]
        lines.append(f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>')
        lines += self._heads()
        for index, step in enumerate(self.steps):
            lines += self._draw(step, HEAD + STEP * (index + 0.6))
        return "\n".join([*lines, "</svg>"]) + "\n"

    def _heads(self) -> Iterator[str]:
        for participant, x in self._x.items():
            wide = self.spread - 40
            yield f'<line x1="{x}" y1="44" x2="{x}" y2="{self.height - 10}" stroke="{FAINT}" stroke-dasharray="2 4"/>'
            yield f'<rect x="{x - wide / 2}" y="12" width="{wide}" height="32" rx="4" fill="{BOX}" stroke="{FAINT}"/>'
            yield f'<text class="name" x="{x}" y="33">{escape(participant)}</text>'

    def _draw(self, step: Step, y: float) -> Iterator[str]:
        if isinstance(step, Message):
            return self._arrow(step, y)
        return self._note(step, y) if isinstance(step, Note) else self._mark(step, y)

    def _arrow(self, message: Message, y: float) -> Iterator[str]:
        start, end = self._x[message.source], self._x[message.target]
        middle = (start + end) / 2
        stop = middle if message.lost else end
        colour, dashes = (LOST if message.lost else INK), (' stroke-dasharray="6 4"' if message.reply else "")
        head = "" if message.lost else ' marker-end="url(#head)"'
        yield f'<line x1="{start}" y1="{y}" x2="{stop}" y2="{y}" stroke="{colour}" stroke-width="1.3"{dashes}{head}/>'
        if message.lost:
            cross = "".join(f"M{stop - 6},{y - 6 * sign} L{stop + 6},{y + 6 * sign} " for sign in (1, -1))
            yield f'<path d="{cross}" stroke="{LOST}" stroke-width="2"/>'
        kind = "said lost" if message.lost else "said"
        yield f'<text class="{kind}" x="{middle}" y="{y - 7}">{escape(message.text)}</text>'

    def _note(self, note: Note, y: float) -> Iterator[str]:
        wide = LETTER * len(note.text) + 16
        left = min(max(self._x[note.participant] - wide / 2, 4), self.width - wide - 4)
        yield f'<rect x="{left}" y="{y - 17}" width="{wide}" height="24" rx="3" fill="#fff8e1" stroke="{FAINT}"/>'
        yield f'<text class="note" x="{left + 8}" y="{y - 1}">{escape(note.text)}</text>'

    def _mark(self, mark: Mark, y: float) -> Iterator[str]:
        wide = LETTER * len(mark.text) + 20
        yield f'<line x1="{MARGIN}" y1="{y}" x2="{self.width - MARGIN}" y2="{y}" stroke="{MARK}" stroke-width="0.8"/>'
        yield f'<rect x="{(self.width - wide) / 2}" y="{y - 11}" width="{wide}" height="22" fill="{PAPER}"/>'
        yield f'<text class="mark" x="{self.width / 2}" y="{y + 4}">{escape(mark.text)}</text>'
