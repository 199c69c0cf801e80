"""The figure of scores over budgets, read back from the canvas."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lit_prune.report.budgets import draw_mixtures, frontiers
from lit_prune.report.mixtures import Mixtures
from lit_prune.report.settings import MixtureSettings

METRICS = ["nli/id/accuracy", "qa/id/f1"]


@pytest.fixture
def drawn(study, monkeypatch, tmp_path):
    """A function: settings' `where` -> the panels and the caption."""
    canvases = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (canvases.append(self), save(self, *a, **k))[1])

    def draw_it(**where):
        results, settings = study.read()
        caption = draw_mixtures(results, MixtureSettings("fig", METRICS, where), settings.over, tmp_path / "fig.png")
        assert (tmp_path / "fig.png").is_file()
        return canvases[-1].axes, caption

    return draw_it


def fill(study, seeds=(1, 2)):
    for seed in seeds:
        for density, score in {0.1: 0.6, 0.4: 0.8}.items():
            for task, metric in zip(("nli", "qa"), METRICS, strict=True):
                numbers = {metric: score + seed / 10, "stored_density": density}
                study.add(f"{task}-{density}-{seed}", numbers, method="a", task=task, density=density, seed=seed)
        numbers = {METRICS[0]: 0.7 + seed / 10, METRICS[1]: 0.5, "stored_density": 0.4 + seed / 100}
        study.add(f"all-{seed}", numbers, method="a", density=0.4, seed=seed)


def steps(panel):
    (line,) = [line for line in panel.lines if line.get_drawstyle() == "steps-post"]
    return line


def test_the_first_panel_has_all_mixtures_their_frontier_and_the_multitask_models(drawn, study):
    fill(study)
    (macro, *_), caption = drawn()
    assert macro.get_title() == "mean of the 2 tasks"
    assert macro.get_xscale() == "log"
    first, second, *_ = (each.get_offsets() for each in macro.collections)
    for seed, mixtures in ((1, first), (2, second)):
        wanted = [(0.2, 0.6), (0.5, 0.7), (0.5, 0.7), (0.8, 0.8)]
        np.testing.assert_allclose(np.sort(mixtures, axis=0), np.add(wanted, (0, seed / 10)))
    np.testing.assert_allclose(steps(macro).get_xdata(), [0.2, 0.5, 0.8, 1.25])  # on to the panel's end
    np.testing.assert_allclose(steps(macro).get_ydata(), [0.75, 0.85, 0.95, 0.95])
    (multitask,) = [line for line in macro.lines if line.get_marker() == "X"]
    np.testing.assert_allclose(multitask.get_xydata(), [[0.415, 0.675]])
    assert "all 8 mixtures of single-task models of one seed (2 seeds have some)" in caption


def test_a_panel_of_a_task_has_its_single_task_and_its_multitask_models(drawn, study):
    fill(study)
    (_, nli, qa), _ = drawn()
    assert [panel.get_title() for panel in (nli, qa)] == ["nli ID accuracy", "qa ID F1"]
    for panel, score in ((nli, 0.85), (qa, 0.5)):
        lines = {line.get_marker(): line.get_xydata() for line in panel.lines}
        np.testing.assert_allclose(lines["o"], [[0.1, 0.75], [0.4, 0.95]])
        np.testing.assert_allclose(lines["X"], [[0.415, score]])


def test_what_has_no_run_yet_is_left_empty(drawn, study):
    fill(study, seeds=(1,))
    study.add("nli-b", {METRICS[0]: 0.7, "stored_density": 0.1}, method="b", task="nli", seed=1)
    study.add("late", method="c", seed=1)
    (macro, nli, qa), caption = drawn(method="b")
    assert [sum(len(line.get_xdata()) for line in panel.lines) for panel in (macro, nli, qa)] == [0, 1, 0]
    assert "all 0 mixtures" in caption
    assert "all 0 mixtures" in drawn(method="c")[1]


def test_frontiers_begin_where_every_seed_has_a_mixture_and_step_where_any_rises():
    first = Mixtures(np.array([0.1, 0.3, 0.3, 0.9]), np.array([0.5, 0.6, 0.4, 0.8]))
    second = Mixtures(np.array([0.2, 0.7]), np.array([0.55, 0.5]))
    budgets, scores = frontiers([first, second])
    np.testing.assert_allclose(budgets, [0.2, 0.3, 0.9])
    np.testing.assert_allclose(scores, [[0.5, 0.6, 0.8], [0.55, 0.55, 0.55]])
