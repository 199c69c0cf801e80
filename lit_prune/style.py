"""How figures of a study look."""

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "grid.color": "0.92", "axes.edgecolor": "0.4"}
FONTS = {"font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 9.5, "legend.fontsize": 10}
PANEL = (3.4, 2.8)  # inches
