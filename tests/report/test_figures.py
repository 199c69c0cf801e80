"""Figures: what is drawn, read back from the canvas before it becomes a picture."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from records import numbers

from lit_prune.errors import UserError
from lit_prune.report.figures import draw


@pytest.fixture
def drawn(grid, monkeypatch, tmp_path):
    """A function: settings of a figure -> its canvas and caption."""
    canvases = []
    save = Figure.savefig

    def savefig(self, *arguments, **options):
        canvases.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)

    def draw_it(**figure):
        grid.define(figures=[{"name": "fig", **figure}])
        results, settings = grid.read()
        caption = draw(results, settings.figures[0], settings.over, tmp_path / "figures" / "fig.png")
        return canvases[-1], caption

    return draw_it


def curves(panel):
    """The lines with more than one point that go along x, by colour."""
    found = [line for line in panel.lines if len(line.get_xdata()) > 1 and len(set(line.get_xdata())) > 1]
    return {to_rgb(line.get_color()): line for line in found if line.get_linestyle() == "-"}


def levels(panel):
    return sorted(line.get_ydata()[0] for line in panel.lines if [*line.get_xdata()] == [0, 1])


def test_a_line_is_the_mean_over_the_seeds_in_percent(drawn):
    canvas, _ = drawn(lines="loss", reference={"run": "dense"})
    id_panel, ood_panel = canvas.axes
    assert [panel.get_title() for panel in canvas.axes] == ["nli ID accuracy", "nli OOD accuracy"]
    assert ood_panel.get_xlabel() == "sparsity (% of weights removed)"
    assert ood_panel.get_ylabel() == "accuracy (%), higher is better"
    ce, poe = curves(ood_panel).values()
    np.testing.assert_allclose(ce.get_xdata(), [50, 70])
    np.testing.assert_allclose(ce.get_ydata(), [59, 57])
    np.testing.assert_allclose(poe.get_ydata(), [71, 69])
    assert len(curves(id_panel)) == 2


def test_the_standard_deviation_over_the_seeds_along_a_logarithm(drawn):
    canvas, caption = drawn(
        lines="loss", metrics=["nli/ood/accuracy"], statistic="std", scale="log", where={"run": "mask"}
    )
    (panel,) = canvas.axes
    ce, poe = curves(panel).values()
    np.testing.assert_allclose(ce.get_ydata(), [2, 2])  # of .62, .64 and .66
    np.testing.assert_allclose(poe.get_ydata(), [3, 3])
    assert panel.get_xscale() == "log"
    assert panel.get_ylabel() == "standard deviation of accuracy (%)"
    assert "standard deviation (ddof 1) over seeds (3 at a point)" in caption


def test_the_reference_and_95_percent_of_it_are_level_lines_in_their_lines_colours(drawn):
    canvas, caption = drawn(lines="loss", reference={"run": "dense"}, metrics=["nli/ood/accuracy"])
    (panel,) = canvas.axes
    np.testing.assert_allclose(levels(panel), sorted([59, 0.95 * 59, 71, 0.95 * 71]))
    colors = {to_rgb(line.get_color()) for line in panel.lines if [*line.get_xdata()] == [0, 1]}
    assert colors == set(curves(panel))
    assert "Dashed: mean of run dense" in caption


def test_each_seed_is_a_point_in_its_lines_colour(drawn):
    canvas, caption = drawn(lines="loss", metrics=["nli/ood/accuracy"], where={"run": "mask"})
    (panel,) = canvas.axes
    (points,) = [each for each in panel.collections if isinstance(each, PathCollection)]
    places = {tuple(place) for place in points.get_offsets().round(6)}
    assert {y for x, y in places if x == 50} == {57, 59, 61, 68, 71, 74}
    assert {to_rgb(color) for color in points.get_facecolors()} == set(curves(panel))
    assert "small points: single seeds" in caption


def test_several_axes_have_a_line_for_each_combination(drawn, grid):
    for loss, level in (("ce", 0.5), ("poe", 0.55)):
        for sparsity in (0.1, 0.5, 0.9):
            for seed in (1, 2, 3):
                metrics = numbers(0.9, level - sparsity / 10)
                grid.add(f"imp-{loss}-{sparsity}-{seed}", metrics, run="imp", loss=loss, sparsity=sparsity, seed=seed)
    canvas, _ = drawn(lines=["run", "loss"], reference={"run": "dense"}, metrics=["nli/ood/accuracy"])
    (legend,) = canvas.legends
    names = ["run imp, loss ce", "run imp, loss poe", "run mask, loss ce", "run mask, loss poe"]
    assert sorted(text.get_text() for text in legend.get_texts()) == ["95% of it", "run dense", *names]
    (panel,) = canvas.axes
    found = {tuple(curve.get_xdata()) for curve in curves(panel).values()}
    assert (len(curves(panel)), found) == (4, {(10, 50, 90), (50, 70)})
    np.testing.assert_allclose(levels(panel), sorted([59, 0.95 * 59, 71, 0.95 * 71]))
    colors = {to_rgb(line.get_color()) for line in panel.lines if [*line.get_xdata()] == [0, 1]}
    assert len(colors) == 2
    assert colors <= set(curves(panel))  # of lines with their loss


def test_references_of_several_values_have_level_lines_of_their_own(drawn, grid):
    for seed in (1, 2):
        grid.add(f"full-{seed}", numbers(0.9, 0.4), run="full", seed=seed)
        grid.add(f"debiased-{seed}", numbers(0.9, 0.8), run="debiased", seed=seed)
        grid.add(f"ticket-{seed}", numbers(0.9, 0.7), run="ticket", sparsity=0.5, seed=seed)  # no loss either
    canvas, caption = drawn(
        lines=["run", "loss"],
        where={"run": ["mask", "ticket"]},
        reference={"run": ["full", "debiased"]},
        metrics=["nli/ood/accuracy"],
    )
    (panel,) = canvas.axes
    np.testing.assert_allclose(levels(panel), sorted([40, 0.95 * 40, 80, 0.95 * 80]))
    dashes = {str(line._unscaled_dash_pattern) for line in panel.lines if [*line.get_xdata()] == [0, 1]}
    assert len(dashes) == 3  # of both references, and of 95% of them
    assert {line.get_color() for line in panel.lines if [*line.get_xdata()] == [0, 1]} == {"0.35"}
    (legend,) = canvas.legends
    assert [text.get_text() for text in legend.get_texts()][-3:] == ["run debiased", "run full", "95% of it"]
    assert "Dashed: mean of run debiased; run full" in caption


def test_one_axis_of_two_lines_that_is_not_there_is_an_error(drawn):
    with pytest.raises(UserError, match="unknown axis 'width' of figure fig: choose from"):
        drawn(lines=["loss", "width"])


@pytest.mark.parametrize(("band", "low", "high"), [("minmax", 57, 61), ("std", 57, 61)])
def test_the_band_is_what_the_caption_says(drawn, band, low, high):
    canvas, caption = drawn(where={"run": "mask", "loss": "ce"}, metrics=["nli/ood/accuracy"], band=band, lines="loss")
    (panel,) = canvas.axes
    (shade,) = [each for each in panel.collections if isinstance(each, PolyCollection)]
    at_50 = [y for x, y in shade.get_paths()[0].vertices if x == 50]
    assert (min(at_50), max(at_50)) == (pytest.approx(low), pytest.approx(high))  # .57, .59, .61: their std is .02
    said = {"minmax": "from the lowest to the highest value", "std": "one standard deviation (ddof 1)"}
    assert said[band] in caption
    assert "mean over seeds (3 at a point)" in caption


def test_the_legend_names_each_line_once(drawn):
    canvas, _ = drawn(lines="loss", reference={"run": "dense"})
    (legend,) = canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == ["loss ce", "loss poe", "run dense", "95% of it"]
    assert not any(panel.get_legend() for panel in canvas.axes)


def test_the_picture_is_wide_enough_to_read(drawn, tmp_path):
    drawn(lines="loss")
    picture = imread(tmp_path / "figures" / "fig.png")
    assert picture.shape[1] >= 1200
    assert picture.std() > 0.05


def test_seeds_that_are_missing_are_told(drawn, grid):
    grid.add("more", numbers(0.9, 0.6), run="mask", loss="ce", sparsity=0.5, seed=4)
    assert "(3 to 4 at a point)" in drawn(lines="loss", where={"run": "mask"})[1]


def test_the_dense_model_of_the_runs_themselves_is_a_reference(drawn, grid):
    for seed, level in ((4, 0.5), (5, 0.6)):
        metrics = numbers(0.9, 0.6) | {"dense/nli/ood/accuracy": level}
        grid.add(f"own-{seed}", metrics, run="mask", loss="kl", sparsity=0.5, seed=seed)
    canvas, _ = drawn(where={"loss": "kl"}, lines="loss", reference={"model": "dense"}, metrics=["nli/ood/accuracy"])
    np.testing.assert_allclose(levels(canvas.axes[0]), [0.95 * 55, 55])


def test_what_would_be_mixed_in_a_line_is_an_error(drawn):
    with pytest.raises(UserError, match="line of figure fig must have one loss, got ce, poe: choose one in its"):
        drawn(where={"run": "mask"})


def test_a_figure_of_nothing_or_of_words_is_an_error(drawn):
    with pytest.raises(UserError, match="x of figure fig must be an axis of a complete run, got sparsity"):
        drawn(where={"run": "dense"}, lines="loss")
    with pytest.raises(UserError, match="x of figure fig must be an axis of numbers, got loss"):
        drawn(where={"run": "dense"}, x="loss")


def test_lines_run_along_a_number_of_their_runs_at_which_seeds_meet(drawn, grid):
    for structure, shares in {"element": {0.7: 0.303, 0.9: 0.102}, "rank": {0.85: 0.299, 0.95: 0.1}}.items():
        for sparsity, share in shares.items():
            for seed in (1, 2):
                metrics = numbers(0.9 - sparsity, 0.5) | {"parameter_density": share + seed / 1000}
                grid.add(f"{structure}-{share}-{seed}", metrics, run=structure, sparsity=sparsity, seed=seed)
    canvas, caption = drawn(x="parameter_density", lines="run", metrics=["nli/id/accuracy"])
    (panel,) = canvas.axes
    assert panel.get_xlabel() == "parameters kept (% of the layers')"
    for curve in curves(panel).values():
        np.testing.assert_allclose(curve.get_xdata(), [10, 30])
    assert "(2 at a point)" in caption


def test_a_metric_along_another_has_a_point_for_each_cell(drawn, grid):
    for sparsity, accuracy in ((0.5, 0.9), (0.7, 0.8)):
        for seed, apart in ((1, -0.01), (2, 0.01)):
            metrics = numbers(accuracy + apart, 0.5 + apart + sparsity / 10)
            grid.add(f"wide-{sparsity}-{seed}", metrics, run="wide", sparsity=sparsity, seed=seed)
    canvas, caption = drawn(x="nli/id/accuracy", lines="run", where={"run": "wide"}, metrics=["nli/ood/accuracy"])
    (panel,) = canvas.axes
    (curve,) = curves(panel).values()
    np.testing.assert_allclose(curve.get_xdata(), [80, 90])
    np.testing.assert_allclose(curve.get_ydata(), [57, 55])
    assert panel.get_xlabel() == "nli ID accuracy (%)"
    assert "along nli ID accuracy (%): mean over seeds (2 at a point)" in caption
    with pytest.raises(UserError, match="unknown metric 'nli/id/width'"):
        drawn(x="nli/id/width", where={"run": "wide"}, metrics=["nli/ood/accuracy"])


def test_a_number_that_is_no_share_is_not_rounded(drawn, grid):
    for number, loss in enumerate(("ce", "poe")):
        metrics = numbers(0.9, 0.5) | {"lowrank_fp32_seconds": 0.001 * (1 + number)}
        grid.add(f"fast-{loss}", metrics, run="fast", loss=loss, seed=1)
    canvas, _ = drawn(x="lowrank_fp32_seconds", lines="run", metrics=["nli/id/accuracy"])
    (curve,) = curves(canvas.axes[0]).values()
    np.testing.assert_allclose(curve.get_xdata(), [0.001, 0.002])


def test_runs_of_unlike_axes_at_one_point_of_a_number_are_an_error(drawn, grid):
    for sparsity in (0.5, 0.7):
        metrics = numbers(0.9, 0.5) | {"parameter_density": 0.3}
        grid.add(f"wide-{sparsity}", metrics, run="wide", sparsity=sparsity, seed=1)
    with pytest.raises(UserError, match="a line of figure fig must have one sparsity, got 50%, 70%"):
        drawn(x="parameter_density", where={"run": "wide"})


def test_a_number_too_large_for_the_axis_has_no_point(study, tmp_path):
    for seed, density in ((1, 0.5), (2, 1e308)):
        study.add(f"{seed}", numbers(0.9, 0.6) | {"density": density}, seed=seed)
    study.define(figures=[{"name": "f", "x": "density", "scale": "log"}])
    results, settings = study.read()
    assert "(1 at a point)" in draw(results, settings.figures[0], "seed", tmp_path / "f.png")


def test_a_figure_of_no_metric_is_an_error(study):
    study.add("a", {"nli/train/accuracy": 0.5, "sparsity": 0.5}, seed=1)
    study.define(figures=[{"name": "f"}])
    with pytest.raises(UserError, match="metrics of figure f must be metrics of a run, got none"):
        study.read()
