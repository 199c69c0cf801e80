"""How figures of a study look."""

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "grid.color": "0.92", "axes.edgecolor": "0.4"}
FONTS = {"font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 9.5, "legend.fontsize": 10}
PANEL = (3.4, 2.8)  # inches


def num_columns(num_panels: int) -> int:
    """How many panels are side by side: three at most."""
    return 2 if num_panels == 4 else min(num_panels, 3)
