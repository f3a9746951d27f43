"""Find the block and the statement that an annotation belongs to."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import libcst as cst

from annotate.annotation import is_annotation
from annotate.source import Source, indentation
from annotate.tree import Line, Tree


@dataclass(frozen=True, slots=True)
class Spot:
    """A place between two logical lines.

    `indent` is the indentation of a statement there, or None if no statement is allowed. `below`
    is the index of the next line if that is a statement of the same block. `first` is whether the
    place is at the start of its block.
    """

    indent: str | None
    below: int | None
    first: bool = False


class Layout:
    """The logical lines of a file and their blocks."""

    def __init__(self, source: Source, tree: Tree) -> None:
        self.source, self.tree = source, tree
        self.lines = tree.lines
        self._starts = [line.start for line in tree.lines]
        self._blanks = [source.before(line.start) for line in tree.lines]
        self._widths = [indentation(blank) for blank in self._blanks]
        #: Where the last `from __future__ import` begins; no code may be inserted before it.
        self.future = max((line.start for line in self.lines if _is_future(line.node)), default=-1)
        self._strings = {id(node) for node in tree.strings if is_annotation(node.value)}

    def index(self, offset: int) -> int:
        """The index of the last logical line that begins at or before `offset`; -1 for none."""
        return bisect_right(self._starts, offset) - 1

    def in_brackets(self, offset: int) -> bool:
        """Whether a comment on its own line is inside a logical line."""
        index = self.index(offset)
        return index >= 0 and offset < self.lines[index].end

    def spot(self, offset: int) -> Spot:
        """The place of a comment on its own line at `offset`, given its column."""
        above, below = self.index(offset), self.index(offset) + 1
        column = indentation(self.source.before(offset))
        blocks = self._blocks(above, below)
        fitting = [block for block in blocks if block[0] <= column]
        width, indent = fitting[0] if fitting else blocks[-1]
        next_ = below if self._continues(below, width) else None
        first = above < 0 or self.lines[above].opens
        return Spot(indent, next_ if indent is not None else None, first)

    def _continues(self, below: int, width: int) -> bool:
        if below >= len(self.lines):
            return False
        return self._widths[below] == width and not self.lines[below].clause

    def _blocks(self, above: int, below: int) -> list[tuple[int, str | None]]:
        """The blocks that are open between two lines, innermost first, as (width, indentation).

        The indentation is None between a body and its `else`, and below a decorator.
        """
        ahead = self.lines[below] if below < len(self.lines) else None
        width = self._widths[below] if ahead else 0
        if above < 0:
            return [(width, self._blanks[below] if ahead else "")]
        line = self.lines[above]
        if isinstance(line.node, (cst.Decorator, cst.Match)):
            return [(width, None)]
        if line.opens:
            return [(width, self._blanks[below])]
        blocks: list[tuple[int, str | None]] = []
        for outer, blank in self._enclosing(above):
            if outer > width or (outer == width and not (ahead and ahead.clause)):
                blocks.append((outer, blank))
        if ahead and ahead.clause:
            blocks.append((width, None))
        return blocks

    def _enclosing(self, index: int) -> list[tuple[int, str]]:
        """Width and indentation of a line and of the blocks around it, innermost first."""
        blocks = [(self._widths[index], self._blanks[index])]
        while index and blocks[-1][0]:
            index -= 1
            if self._widths[index] < blocks[-1][0]:
                blocks.append((self._widths[index], self._blanks[index]))
        return blocks

    def after_string(self, node: cst.Expr) -> int | None:
        """The index of the statement below a string statement, in the same block."""
        index = self.index(self.tree.span(node)[0])
        return index + 1 if self._continues(index + 1, self._widths[index]) else None

    def is_annotation(self, index: int) -> bool:
        """Whether a logical line is a string statement that is an annotation."""
        node = self.lines[index].node
        return isinstance(node, cst.SimpleStatementLine) and id(node.body[0]) in self._strings

    def line_below(self, offset: int) -> int:
        """The number of the next line with code after the line of `offset`; 0 for none."""
        for number in range(self.source.line_of(offset) + 1, len(self.source.starts) + 1):
            text = self.source.line(number).strip()
            if text and not text.startswith("#"):
                return number
        return 0

    def annotated(self, index: int | None) -> Line | None:
        """The first statement from `index` on that is not itself an annotation."""
        while index is not None:
            if not self.is_annotation(index):
                return self._statement(index)
            index = index + 1 if self._continues(index + 1, self._widths[index]) else None
        return None

    def _statement(self, index: int) -> Line:
        """The line itself; for a decorator, the statement that it decorates."""
        line = self.lines[index]
        if not isinstance(line.node, cst.Decorator):
            return line
        while isinstance(self.lines[index].node, cst.Decorator):
            index += 1
        return self.lines[index]


def _is_future(node: cst.CSTNode) -> bool:
    first = node.body[0] if isinstance(node, cst.SimpleStatementLine) else None
    module = first.module if isinstance(first, cst.ImportFrom) else None
    return isinstance(module, cst.Name) and module.value == "__future__"
