"""A report's tables for LaTeX."""

import re

import pandas as pd

from lit_prune.studies.report.tables import Table


def latex(table: Table) -> str:
    """A table with its title as caption; it needs the package booktabs."""
    frame = pd.DataFrame(list(table.rows), columns=list(table.header))
    layout = "l" * table.num_names + "r" * (len(table.header) - table.num_names)
    caption = re.sub(r"([&%$#_{}])", r"\\\1", table.title)
    text = frame.to_latex(index=False, escape=True, column_format=layout, caption=caption)
    return re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
