"""The scatter of ranks, read back from the canvas."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from lit_prune.report.scatter import draw_ranks
from lit_prune.report.stability import Spreads


def test_each_method_and_task_that_learned_is_a_point_at_its_ranks(monkeypatch, tmp_path):
    canvases = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (canvases.append(self), save(self, *a, **k))[1])
    means = np.array([[0.9, 0.8], [0.7, 0.9], [0.5, 0.7]])
    stds = np.array([[0.01, 0.03], [0.02, 0.02], [0.0, 0.01]])
    metrics = ["rte/id/accuracy", "cb/id/accuracy"]
    found = Spreads(
        ["full", "sam", "head"], metrics, means, stds, np.full((3, 2), 5), np.array([0.5, 0.4]), np.full(3, np.nan)
    )
    caption = draw_ranks(found, tmp_path / "figures" / "ranks.png")
    (panel,) = canvases[0].axes
    (points,) = (each.get_offsets() for each in panel.collections)
    assert sorted(map(tuple, np.round(points))) == [
        (1, 1),
        (1, 2),
        (2, 2),
        (2, 3),
        (3, 1),
    ]  # head on RTE learned nothing
    assert caption.startswith("A point for each of 5 methods and tasks")
    assert imread(tmp_path / "figures" / "ranks.png").shape[2] == 4


def test_where_nothing_has_learned_no_point_is_drawn(tmp_path):
    nothing = np.full((2, 1), 0.5)
    found = Spreads(
        ["a", "b"], ["t/id/accuracy"], nothing, nothing, np.full((2, 1), 5), np.array([0.5]), np.full(2, np.nan)
    )
    assert draw_ranks(found, tmp_path / "ranks.png").startswith("A point for each of 0")
