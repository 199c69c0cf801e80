"""A metric over the seconds of training."""

import numpy as np
from matplotlib.figure import Figure

from lit_prune.report.cells import Cell
from lit_prune.report.over_time import draw_over_time
from lit_prune.report.reached import Arm
from lit_prune.report.settings import ReachedSettings
from lit_prune.runs.evaluations import Evaluation

REACHED = ReachedSettings("until", "t/id/accuracy", 0.7)


def run(factor, values, seconds=True):
    """A dense evaluation, one at half the sparsity, then those at the final one."""
    sparsities = [0.0, 0.4, *[0.9] * (len(values) - 2)]
    phases = ["dense", *["prune"] * (len(values) - 1)]
    return tuple(
        Evaluation(phase, step, True, sparsity, {"t/id/accuracy": value}, factor * step if seconds else None)
        for step, (phase, sparsity, value) in enumerate(zip(phases, sparsities, values, strict=True), start=1)
    )


def test_a_line_is_a_mean_over_the_seeds_up_to_the_last_shared_evaluation(monkeypatch, tmp_path):
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))
    arm = Arm(Cell({"method": "a"}, (0, 1)), (run(1, [0.5, 0.6, 0.7, 0.8]), run(3, [0.7, 0.8, 0.9, 0.8, 0.1])))
    untimed = Arm(Cell({"method": "b"}, (2,)), (run(1, [0.5, 0.5, 0.5], seconds=False),))
    captions = draw_over_time([arm, untimed], REACHED, ["method"], "seed", tmp_path / "until.png")
    (panel,) = canvases[0].axes
    line, level = panel.lines
    np.testing.assert_allclose(line.get_xdata(), [2, 4, 6, 8])
    np.testing.assert_allclose(line.get_ydata(), [60, 70, 80, 80])
    assert line.get_markevery() == [2, 3]
    assert set(level.get_ydata()) == {70}
    (legend,) = canvases[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["method a"]
    canvases[0].draw_without_rendering()
    assert not legend.get_window_extent().overlaps(panel.get_window_extent())
    assert "Dashed: 0.7." in captions["until"]


def test_a_label_has_the_axes_that_differ(monkeypatch, tmp_path):
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))
    cells = [Cell({"run": name, "sparsity": 0.9, "loss": "labels"}, (0,)) for name in ("magnitude", "movement")]
    arms = [Arm(cell, (run(1, [0.5, 0.6, 0.7]),)) for cell in cells]
    draw_over_time(arms, REACHED, ["run", "sparsity", "loss"], "seed", tmp_path / "until.png")
    (legend,) = canvases[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["magnitude", "movement"]


def test_without_recorded_seconds_there_is_no_figure(tmp_path):
    untimed = Arm(Cell({}, (0,)), (run(1, [0.5, 0.5], seconds=False),))
    assert draw_over_time([untimed], REACHED, [], "seed", tmp_path / "until.png") == {}
