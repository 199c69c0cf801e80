"""Tables as markdown and on the console."""

from io import StringIO

from rich.console import Console

from lit_prune.display.markup import Bold
from lit_prune.display.table import Table


def test_markdown_marks_figures_and_keeps_bars_in_their_cells():
    table = Table("Title", ["axis", "value"], [["a|b", "0.1"]], 1, ["A note."])
    assert table.markdown() == "## Title\n\n| axis | value |\n| --- | ---: |\n| a\\|b | 0.1 |\n\nA note."


def test_the_console_shows_the_first_rows_and_says_how_many_are_left():
    table = Table("Title", ["axis", "value"], [[f"[row] {n}", Bold("0.1")] for n in range(5)], 1, [Bold("A note.")])
    console = Console(width=80, file=StringIO())
    console.print(table.rich(3))
    text = console.file.getvalue()
    assert "[row] 2" in text
    assert "[row] 3" not in text
    assert "2 more rows are in report.md. A note." in text
    assert "*" not in text
