"""The models of every run side by side, read back from the canvas."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from records import numbers

from lit_prune.report.overview import COLORS, draw_overview

BASELINE = {"constant/nli/id/accuracy": 0.4, "constant/nli/ood/accuracy": 0.5}


@pytest.fixture
def drawn(study, monkeypatch, tmp_path):
    """A function that draws the overview of the study: its canvas and caption."""
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))

    def draw_it():
        captions = draw_overview(*study.read(), tmp_path / "overview.png")
        return canvases[-1], captions["overview"]

    return draw_it


def models(id_accuracy):
    dense = {"dense/nli/id/accuracy": 0.9, "dense/nli/ood/accuracy": 0.55, "dense_shifted/nli/id/accuracy": 0.7}
    return numbers(id_accuracy, 0.6) | dense | BASELINE


def bars(panel):
    """The bars from top to bottom: colours and lengths."""
    found = sorted((each for each in panel.patches if isinstance(each, Rectangle)), key=lambda bar: bar.get_y())
    return [(to_rgb(bar.get_facecolor()), round(bar.get_width(), 3)) for bar in found]


def texts(panel):
    return [each.get_text() for each in panel.texts]


def test_the_models_of_a_run_are_side_by_side_by_set(study, drawn):
    study.add("a", models(0.8), listed=False, seed=1)
    canvas, caption = drawn()
    id_panel, ood_panel = canvas.axes
    titles = [panel.get_title(loc="left") for panel in canvas.axes]
    assert titles == ["nli accuracy, in distribution", "nli accuracy, out of distribution"]
    dense, shifted, result = (to_rgb(COLORS[model]) for model in ("dense", "dense_shifted", "result"))
    assert bars(id_panel) == [(dense, 90), (shifted, 70), (result, 80)]
    assert bars(ood_panel) == [(dense, 55), (result, 60)]
    assert texts(id_panel) == ["90.0", "70.0", "80.0"]  # without a label: it is the only row
    assert [set(line.get_xdata()) for line in id_panel.lines if len(set(line.get_ydata())) > 1] == [{40}, {0}]
    (legend,) = canvas.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["dense", "threshold-shifted dense", "result", "constant prediction"]
    assert caption.startswith("One seed per bar. Threshold-shifted dense: the dense model, shifted to")
    assert not any(panel.collections for panel in canvas.axes)


def test_seeds_are_points_beside_their_mean(study, drawn):
    for seed, accuracy in ((1, 0.7), (2, 0.8)):
        study.add(f"{seed}", numbers(accuracy, 0.6), seed=seed)
    canvas, caption = drawn()
    panel = canvas.axes[0]
    ((_, mean),) = bars(panel)
    assert mean == 75
    (points,) = panel.collections
    np.testing.assert_allclose(sorted(points.get_offsets()[:, 0]), [70, 80])
    assert caption == "Bars: mean over seeds, points: single seeds."
    assert panel.texts[0].xy[0] == 80  # the number is right of all points


def test_each_row_has_its_label_and_rounds_have_none(study, drawn):
    rounds = {f"round_1/{name}": 0.3 for name in ("sparsity", "step", "nli/id/accuracy", "nli/ood/accuracy")}
    study.add("imp", numbers(0.9, 0.6) | rounds, listed=False, seed=1)
    study.add("sam", numbers(0.8, 0.6), listed=False, seed=1)
    study.add("late", None, listed=False, status="failed", seed=1)
    assert texts(drawn()[0].axes[0]) == ["imp, sparsity 50%", "90.0", "sam", "80.0"]


def test_many_rows_and_metrics_are_shortened(study, drawn):
    for number in range(14):
        sets = {f"nli/ood_{each}/accuracy": 0.5 for each in range(8)}
        study.add(f"run-{number:02}", numbers(0.9, 0.6) | sets, listed=False, seed=1)
    canvas, caption = drawn()
    assert len(canvas.axes) == 8
    assert len(bars(canvas.axes[0])) == 12
    assert "the first 12 of 14 rows" in caption
    assert "the first 8 of 10 metrics" in caption


def test_no_text_is_small_or_on_a_bar(study, drawn):
    study.add("a", models(1.0), listed=False, seed=1)
    study.add("b", models(0.02), listed=False, seed=1)
    canvas, _ = drawn()
    canvas.draw_without_rendering()
    renderer = canvas._get_renderer()
    for panel in canvas.axes:
        written = [*panel.texts, panel.xaxis.label, *panel.get_xticklabels(), *canvas.legends[0].get_texts()]
        assert min(text.get_fontsize() for text in written) >= 9
        for text in panel.texts:
            box = text.get_window_extent(renderer)
            assert box.x1 <= canvas.bbox.x1
            assert not any(box.overlaps(bar.get_window_extent(renderer)) for bar in panel.patches)
        assert not canvas.legends[0].get_window_extent(renderer).overlaps(panel.get_window_extent(renderer))


def test_numbers_without_a_set_are_not_drawn(study, tmp_path):
    study.add("a", numbers(0.9, 0.6), seed=1)
    study.define(metrics=["sparsity"])
    assert draw_overview(*study.read(), tmp_path / "overview.png") == {}
