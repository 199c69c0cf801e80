"""Tables of plain text, shown on the console or written as markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from lit_prune.display.markup import in_markdown, on_console, paragraph, printable

NONE = "-"


@dataclass(frozen=True)
class Table:
    """A table of plain text, with `num_names` left-aligned columns before the columns of figures."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    num_names: int
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """Return the table with its title and notes as markdown."""
        line = ["---"] * self.num_names + ["---:"] * (len(self.header) - self.num_names)
        cells = [[in_markdown(cell).replace("|", "\\|") for cell in row] for row in (self.header, *self.rows)]
        rows = "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], line, *cells[1:]))
        return "\n\n".join([f"## {in_markdown(self.title)}", rows, *map(paragraph, self.notes)])

    def rich(self, num_rows: int, file: str = "report.md") -> Group:
        """Return the table for the console, with the first `num_rows` rows; `file` is named for the remaining ones."""
        shown = RichTable(box=SIMPLE_HEAD, pad_edge=False)
        for number, name in enumerate(self.header):
            shown.add_column(on_console(name), justify="left" if number < self.num_names else "right")
        for row in self.rows[:num_rows]:
            shown.add_row(*map(on_console, row))
        left = len(self.rows) - num_rows
        lines = [f"{left} more rows are in {file}.", *self.notes] if left > 0 else self.notes
        title = Text(f"\n{printable(self.title)}", style="bold")
        return Group(title, shown, *([on_console(" ".join(lines))] if lines else []))
