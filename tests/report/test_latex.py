"""Tables for LaTeX."""

from lit_prune.display.markup import Bold
from lit_prune.display.table import Table
from lit_prune.report.latex import latex


def test_a_table_is_one_of_booktabs_in_which_everything_is_escaped():
    table = Table("Mixtures: fig_2", ["run_kind", "95% interval"], [["a_b & c", Bold("[+0.1, +0.2]")], ["d", "-"]], 1)
    assert latex(table).splitlines() == [
        r"\begin{table}",
        r"\caption{Mixtures: fig\_2}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"run\_kind & 95\% interval \\",
        r"\midrule",
        r"a\_b \& c & \textbf{[+0.1, +0.2]} \\",
        r"d & - \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
