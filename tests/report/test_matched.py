"""Methods at matched ID accuracy."""

import numpy as np
import pytest
from records import numbers

from lit_prune.report.matched import interpolate, match, matched_table
from lit_prune.report.settings import MatchedSettings
from lit_prune.runs.evaluations import Evaluation, add_evaluation

ID, OOD = "nli/id/accuracy", "nli/ood/accuracy"
SETTINGS = MatchedSettings("fair", ID, [OOD])


def add(study, name, points, phase="mask", first=10, sparsity=0.5, **axes):
    """Add a run with these (ID, OOD) accuracies, one every ten steps."""
    place = study.add(name, numbers(*points[-1]), **axes) if axes else study.folder / name / "version_0"
    for number, (of_id, of_ood) in enumerate(points):
        add_evaluation(place, Evaluation(phase, first + 10 * number, True, sparsity, {ID: of_id, OOD: of_ood}))
    return place


def table_of(study, settings=SETTINGS):
    results, report = study.read()
    axes = [axis for axis in results.axes if axis != report.over]
    return matched_table(match(results, settings, report.over), settings.name, axes, report.over)


def test_values_between_two_evaluations_are_linear_against_numpy():
    of_id = np.array([0.5, 0.6, 0.9])
    values = np.array([[0.1, 5.0], [0.2, 4.0], [0.8, 0.0]])
    for level in (0.5, 0.55, 0.6, 0.8, 0.9):
        expected = [np.interp(level, of_id, column) for column in values.T]
        assert interpolate(of_id, values, level) == pytest.approx(expected)
        assert interpolate(of_id[::-1], values[::-1], level) == pytest.approx(expected)
    assert np.isnan(interpolate(of_id, values, 0.95)).all()
    assert np.isnan(interpolate(of_id[:1], values[:1], 0.7)).all()


def test_a_level_that_is_passed_twice_has_the_mean():
    values = np.array([[0.0], [1.0], [0.4], [0.9]])
    assert interpolate(np.array([0.5, 0.9, 0.5, 0.4]), values, 0.7) == pytest.approx([(0.5 + 0.7) / 2])
    assert interpolate(np.array([0.5, 0.7, 0.9, 0.4]), values, 0.7) == pytest.approx([(1.0 + 0.6) / 2])


def test_the_level_is_the_best_that_every_run_reaches(study):
    add(study, "poe", [(0.6, 0.5), (0.8, 0.7)], loss="poe", seed=1)
    add(study, "ce", [(0.7, 0.4), (0.9, 0.6)], loss="ce", seed=1)
    table = table_of(study)
    assert table.rows == [["ce", "result", "0.900", "0.500", "1"], ["poe", "result", "0.800", "0.700", "1"]]
    assert "nli accuracy, in distribution 0.800, the best that every run reaches" in table.notes[0]


def test_runs_that_are_never_at_the_level_are_counted(study):
    add(study, "poe", [(0.6, 0.5), (0.8, 0.7)], loss="poe", seed=1)
    add(study, "ce1", [(0.7, 0.4), (0.9, 0.6)], loss="ce", seed=1)
    add(study, "ce2", [(0.85, 0.4), (0.95, 0.6)], loss="ce", seed=2)
    assert table_of(study).rows[0] == ["ce", "result", "0.925 ± 0.035", "0.500", "1 of 2"]


def test_of_a_loss_the_lowest_is_the_best(study):
    for name, losses in {"a": (0.9, 0.4), "b": (0.8, 0.2)}.items():
        place = study.add(name, numbers(0.5, 0.5) | {"nli/id/loss": 1.0}, loss=name, seed=1)
        for step, (loss, ood) in enumerate(zip(losses, (0.5, 0.7), strict=True)):
            add_evaluation(place, Evaluation("mask", step, True, 0.5, {"nli/id/loss": loss, OOD: ood}))
    rows = table_of(study, MatchedSettings("fair", "nli/id/loss", [OOD])).rows
    assert [row[2] for row in rows] == ["0.400", "0.200"]
    assert [row[3] for row in rows] == ["0.700", f"{0.5 + 0.2 * 0.4 / 0.6:.3f}"]


def test_the_dense_phase_is_a_method_beside_the_last_and_a_growing_sparsity_is_none(study):
    place = add(study, "poe", [(0.5, 0.1), (0.9, 0.3)], phase="dense", sparsity=0.0, loss="poe", seed=1)
    add(study, "poe", [(0.99, 0.9)], first=30, sparsity=0.2)
    add(study, "poe", [(0.6, 0.5), (0.8, 0.7)], first=40)
    assert place.is_dir()
    assert table_of(study).rows == [
        ["poe", "dense", "0.900", f"{0.1 + 0.2 * 0.75:.3f}", "1"],
        ["poe", "result", "0.800", "0.700", "1"],
    ]


def test_a_base_that_was_evaluated_once_is_no_method(study):
    add(study, "poe", [(0.9, 0.3)], phase="dense", first=0, loss="poe", seed=1)
    add(study, "poe", [(0.6, 0.5), (0.8, 0.7)], first=40)
    assert [row[1] for row in table_of(study).rows] == ["result"]


def test_without_recorded_evaluations_there_is_no_table(study):
    study.add("poe", numbers(0.9, 0.6), loss="poe", seed=1)
    assert not table_of(study).rows


def test_the_runs_are_those_selected(study):
    add(study, "poe", [(0.6, 0.5), (0.8, 0.7)], loss="poe", seed=1)
    add(study, "ce", [(0.7, 0.4), (0.9, 0.6)], loss="ce", seed=1)
    rows = table_of(study, MatchedSettings("fair", ID, [OOD], {"loss": "ce"})).rows
    assert rows == [["ce", "result", "0.900", "0.600", "1"]]
