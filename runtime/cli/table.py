"""A table on standard output: folded to the terminal's width, or with one line for each row."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runtime.cli import terminal

_MOST_FOLDED = 1000  # rows; folding takes milliseconds for each


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading; `right` aligns it to the right, `fold` lets its cells have more lines."""

    text: str
    right: bool = False
    fold: bool = False


def show_table(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows. Very many, or those for a pipe, which has no width, are not folded."""
    if sys.stdout.isatty() and len(rows) <= _MOST_FOLDED:
        _show_folded(headings, rows)
        return
    for line in _lines(headings, rows):
        terminal.show(line)


def _show_folded(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for h in headings:
        table.add_column(
            terminal.cell(h.text),
            justify="right" if h.right else "left",
            overflow="fold" if h.fold else "ellipsis",
        )
    for row in rows:
        table.add_row(*map(terminal.cell, row))
    Console().print(table)


def _lines(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    from rich.cells import cell_len

    texts = [[terminal.visible(cell) for cell in row] for row in rows]
    titles = [terminal.visible(h.text) for h in headings]
    widths = [max(map(cell_len, column)) for column in zip(titles, *texts, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for h, cell, width in zip(headings, cells, widths, strict=True):
            pad = " " * (width - cell_len(cell))
            padded.append(pad + cell if h.right else cell + pad)
        return f"  {'   '.join(padded)}".rstrip()

    yield ""
    yield line(titles)
    yield " " + "─" * (sum(widths) + 3 * len(widths) - 1)
    yield from map(line, texts)
    yield ""
