"""A statement to print or to hand to a bank: whose account, the period, opening balance, lines, closing balance."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from flask_babel import gettext
from fpdf import FPDF

from portal.core.db import give_back
from portal.core.money import Money
from portal.web.assets import asset_path
from portal.web.exports import Column, PdfTooLong
from portal.web.filters import digits, moment_exact

LINES_MAX = 2_000  # a document is finished before its first byte leaves
FONT, SIZE, SMALL = "DejaVu", 7.0, 6.5
MARGIN_MM, FOOT_MM = 12.0, 14.0
LINE_MM, BASE_MM, GAP_MM, TEXT_MM_MAX = 4.4, 3.1, 3.0, 60.0
INK, MUTED, RULE, HEAD = (20, 24, 31), (100, 108, 120), (214, 219, 226), (244, 246, 248)


@dataclass(frozen=True)
class Head:
    """What stands above the lines: `facts` are (label, words)."""

    title: str
    facts: Sequence[tuple[str, str]]
    opening: Money
    closing: Money


def statement_pdf(head: Head, columns: Sequence[Column[Any]], newest_first: Iterable[Any]) -> bytes:
    """The whole document, oldest line first, so that it reads from opening to closing. Raises PdfTooLong."""
    rows = list(islice(newest_first, LINES_MAX + 1))
    if len(rows) > LINES_MAX:
        raise PdfTooLong()
    cells = [[column.value(row) for column in columns] for row in reversed(rows)]
    give_back()  # setting it takes seconds
    pdf = _Document(head.title)
    pdf.add_page()
    _heading(pdf, head)
    _balance(pdf, gettext("Opening balance"), head.opening)
    if cells:
        _lines(pdf, [column.label for column in columns], cells)
    else:
        pdf.ln(2)
        pdf.cell(text=gettext("No lines in this period."), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
    _balance(pdf, gettext("Closing balance"), head.closing)
    return bytes(pdf.output())


class _Document(FPDF):
    """A4 across, numbered pages."""

    def __init__(self, title: str) -> None:
        super().__init__(orientation="landscape", format="A4")
        self.add_font(FONT, fname=asset_path("pdf.ttf"))
        self.add_font(FONT, style="B", fname=asset_path("pdf-bold.ttf"))
        self.set_font(FONT, size=SIZE)
        self.set_text_color(*INK)
        self.set_draw_color(*RULE)
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, FOOT_MM)
        self.set_title(title)
        self.set_creator("Quittance")
        self._titled = title

    def footer(self) -> None:
        self.set_y(-FOOT_MM + 4)
        self.set_font(FONT, size=SMALL)
        self.set_text_color(*MUTED)
        self.cell(w=self.epw / 2, text=self._titled)
        self.cell(w=self.epw / 2, align="R",
                  text=gettext("Page %(number)s of %(all)s", number=self.page_no(), all="{nb}"))
        self.set_text_color(*INK)


def _heading(pdf: FPDF, head: Head) -> None:
    pdf.set_font(FONT, style="B", size=15)
    pdf.cell(text=head.title, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)
    for label, words in head.facts:
        pdf.set_font(FONT, size=SIZE + 1)
        pdf.set_text_color(*MUTED)
        pdf.cell(w=36, h=5, text=label)
        pdf.set_text_color(*INK)
        pdf.multi_cell(w=0, h=5, text=words, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)


def _balance(pdf: FPDF, label: str, amount: Money) -> None:
    pdf.ln(2)
    pdf.set_font(FONT, style="B", size=SIZE + 2)
    pdf.cell(text=f"{label}: {digits(amount, True)} {amount.currency}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, size=SIZE)
    pdf.ln(1)


def _lines(pdf: FPDF, labels: Sequence[str], cells: Sequence[Sequence[Any]]) -> None:
    """A head on each page. Columns as wide as what is in them; longer text goes on below in its cell."""
    texts = [[_text(value) for value in row] for row in cells]
    right = [any(isinstance(row[at], Money) for row in cells) for at in range(len(labels))]
    pdf.set_font(FONT, style="B", size=SIZE)
    wanted = [min(TEXT_MM_MAX, max(pdf.get_string_width(text) for text in (
        labels[at], max((row[at] for row in texts), key=len)))) + GAP_MM for at in range(len(labels))]
    widths = [width * pdf.epw / sum(wanted) for width in wanted]
    _row(pdf, labels, widths, right, head=True)
    for row in texts:
        if _row(pdf, row, widths, right):
            continue
        pdf.add_page()
        _row(pdf, labels, widths, right, head=True)
        _row(pdf, row, widths, right)


def _row(pdf: FPDF, texts: Sequence[str], widths: Sequence[float], right: Sequence[bool], *,
         head: bool = False) -> bool:
    """Drawn with a rule below it, if it fits on this page. By hand: the library's tables take ten times as long."""
    pdf.set_font(FONT, style="B" if head else "", size=SIZE)
    parts = [_wrapped(pdf, text, width - GAP_MM) for text, width in zip(texts, widths, strict=True)]
    height, top = LINE_MM * max(map(len, parts)), pdf.get_y()
    if top + height > pdf.page_break_trigger:
        return False
    if head:
        pdf.set_fill_color(*HEAD)
        pdf.rect(pdf.l_margin, top, pdf.epw, height, style="F")
    x = pdf.l_margin
    for lines, width, to_right in zip(parts, widths, right, strict=True):
        for number, text in enumerate(lines):
            edge = width - GAP_MM / 2 - pdf.get_string_width(text) if to_right else GAP_MM / 2
            pdf.text(x + edge, top + number * LINE_MM + BASE_MM, text)
        x += width
    pdf.line(pdf.l_margin, top + height, pdf.l_margin + pdf.epw, top + height)
    pdf.set_y(top + height)
    return True


def _wrapped(pdf: FPDF, text: str, width: float) -> list[str]:
    """Broken anywhere: what is too long is an id without blanks."""
    lines = []
    while pdf.get_string_width(text) > width and len(text) > 1:
        fits = next(end for end in range(len(text) - 1, 0, -1) if end == 1 or pdf.get_string_width(text[:end]) <= width)
        lines.append(text[:fits])
        text = text[fits:]
    return [*lines, text]


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case Money():
            return digits(value, True)
        case datetime():
            return moment_exact(value)
    return str(value)
