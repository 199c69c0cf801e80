"""The figure of two numbers, read back from the canvas."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lit_prune.report.pareto import Tradeoff
from lit_prune.report.tradeoff import draw_tradeoff


@pytest.mark.parametrize(
    ("goals", "frontier", "step"),
    [
        ({"sparsity": "max", "nli/id/accuracy": "max"}, [(0.2, 0.9), (0.5, 0.8), (0.9, 0.3)], "steps-pre"),
        ({"lowrank_fp32_seconds": "min", "nli/id/accuracy": "max"}, [(0.2, 0.9)], "steps-post"),
        ({"lowrank_fp32_seconds": "min", "nli/id/loss": "min"}, [(0.2, 0.9), (0.4, 0.5), (0.9, 0.3)], "steps-post"),
    ],
)
def test_the_line_goes_through_what_no_other_dominates(goals, frontier, step, monkeypatch, tmp_path):
    canvases = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (canvases.append(self), save(self, *a, **k))[1])
    points = [(0.2, 0.9), (0.5, 0.8), (0.4, 0.5), (0.9, 0.3)]
    found = Tradeoff(goals, [{"method": each} for each in "abcd"], [1] * 4, np.array(points), 0)
    caption = draw_tradeoff(found, tmp_path / "figures" / "pareto.png")
    (panel,) = canvases[0].axes
    (line,) = panel.lines
    assert [*zip(*line.get_data(), strict=True)] == frontier
    assert line.get_drawstyle() == step
    dominated, best = (sorted(map(tuple, each.get_offsets())) for each in panel.collections)
    assert best == frontier
    assert dominated == sorted(set(points) - set(frontier))
    assert f"4 settings, {len(frontier)} of which no other dominates" in caption
    assert (tmp_path / "figures" / "pareto.png").is_file()
