"""The figure of OOD against ID accuracy, read back from the canvas, in a report of a study."""

import pytest
from matplotlib.figure import Figure
from records import numbers

from lit_prune.report.matched import match
from lit_prune.report.settings import MatchedSettings
from lit_prune.report.trajectories import draw_trajectories
from lit_prune.runs.evaluations import Evaluation, add_evaluation

METRICS = ("nli/id/accuracy", "nli/ood/accuracy", "nli/ood/auroc")
RUNS = {("poe", 1): [(0.6, 0.5, 0.55), (0.8, 0.7, 0.75)], ("ce", 1): [(0.7, 0.4, 0.5), (0.9, 0.6, 0.7)]}
MATCHED = {"name": "fair", "id": METRICS[0], "ood": list(METRICS[1:])}


@pytest.fixture
def filled(study):
    for (loss, seed), points in RUNS.items():
        place = study.add(f"{loss}-{seed}", numbers(*points[-1][:2], auroc=points[-1][2]), loss=loss, seed=seed)
        for step, values in enumerate(points):
            add_evaluation(place, Evaluation("mask", step, True, 0.5, dict(zip(METRICS, values, strict=True))))
    return study


def test_a_run_is_a_line_through_its_evaluations(filled, monkeypatch, tmp_path):
    canvases = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (canvases.append(self), save(self, *a, **k))[1])
    results, settings = filled.read()
    found = match(results, MatchedSettings(**MATCHED), settings.over)
    caption = draw_trajectories(found, results, settings, tmp_path / "fair.png")
    (canvas,) = set(canvases)
    accuracy, auroc = canvas.axes
    lines = [line.get_xydata().tolist() for line in accuracy.lines]
    assert lines[0] == [pytest.approx([70, 40]), pytest.approx([90, 60])]
    assert lines[1] == [pytest.approx([90, 60])]  # the last evaluation
    assert accuracy.lines[-1].get_xdata() == pytest.approx([80, 80])  # the level
    assert auroc.lines[2].get_ydata() == pytest.approx([0.55, 0.75])
    assert [text.get_text() for text in canvas.legends[0].get_texts()] == ["loss ce", "loss poe"]
    assert accuracy.lines[0].get_color() == canvas.legends[0].get_lines()[0].get_color()
    assert "dashed: the matched nli accuracy, in distribution" in caption


def test_a_report_has_the_figure_and_the_table(filled):
    filled.define(matched=[MATCHED])
    text = filled.report()
    assert "At matched nli accuracy, in distribution: fair" in text
    assert "figures/fair.png" in text
    assert (filled.folder / "figures" / "fair.png").is_file()
    assert "figures/overview.png" not in text


def test_without_recorded_evaluations_there_is_no_figure(study):
    study.add("poe", numbers(0.9, 0.6, auroc=0.7), loss="poe", seed=1)
    study.define(matched=[MATCHED])
    assert "fair" not in study.report()
