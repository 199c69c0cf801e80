"""LaTeX tables of a report."""

import pandas as pd

from lit_prune.display.markup import in_latex
from lit_prune.display.table import Table


def latex(table: Table) -> str:
    """Return a LaTeX table with its title as caption; needs the package booktabs."""
    cells = [[in_latex(cell) for cell in row] for row in (table.header, *table.rows)]
    layout = "l" * table.num_names + "r" * (len(table.header) - table.num_names)
    frame = pd.DataFrame(cells[1:], columns=cells[0])
    text: str = frame.to_latex(index=False, escape=False, column_format=layout, caption=in_latex(table.title))
    return text
