"""Differences and ranks of a study whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from records import numbers, write_predictions

from lit_prune.report.comparisons import compare, rank
from lit_prune.report.statistics import seeds_interval


def compared(results, settings):
    """As the report has it."""
    return compare(results, settings.over, settings.metrics, settings.reference)


def found_of(differences, metric, **axes):
    (found,) = [each for each in differences if each.metric == metric and dict(each.cell.axes) == axes]
    return found


def test_differences_are_paired_by_seed(grid):
    grid.define(reference={"loss": "ce"})
    differences = compared(*grid.read())
    assert len(differences) == 6
    found = found_of(differences, "nli/ood/accuracy", run="mask", loss="poe", sparsity=0.5)
    assert found.mean == pytest.approx(0.12)
    assert found.interval == pytest.approx(seeds_interval(np.array([0.11, 0.12, 0.13])))
    assert (found.num, found.over) == (3, "seeds")


def test_without_a_reference_there_are_none(grid):
    assert compared(*grid.read()) == []


def test_a_seed_without_its_partner_is_left_out(study):
    for seed in (1, 2, 3):
        study.add(f"ce-{seed}", numbers(0.9, 0.6) if seed > 1 else None, loss="ce", seed=seed)
        study.add(f"poe-{seed}", numbers(0.9, 0.6 + seed / 10) if seed < 3 else None, loss="poe", seed=seed)
    study.define(reference={"loss": "ce"}, metrics=["nli/ood/accuracy"])
    (found,) = compared(*study.read())
    assert (found.mean, found.num, found.interval) == (pytest.approx(0.2), 1, None)


@pytest.fixture
def predicted(study):
    """Two losses, three seeds, with predictions; poe is shifted towards entailment."""
    for loss, shift in {"ce": 0.0, "poe": 0.8}.items():
        for seed in (1, 2, 3):
            recorded = write_predictions(study.folder / "predictions.parquet", seed, shift)
            metrics = numbers(0.9, recorded.pop("accuracy"), **recorded)
            place = study.add(f"{loss}-{seed}", metrics, loss=loss, seed=seed)
            (study.folder / "predictions.parquet").rename(place / "predictions.parquet")
    study.define(reference={"loss": "ce"}, metrics=["nli/ood/predicted_share_entailment", "nli/ood/auroc"])
    return study


def test_an_interval_is_over_rows_too_where_both_left_predictions(predicted):
    results, settings = predicted.read()
    for found in compared(results, settings):
        assert (found.num, found.over) == (3, "seeds and rows")
        assert found.interval[0] <= found.mean <= found.interval[1]
    share, _ = compared(results, settings)
    assert share.interval[0] > 0  # the shift makes more of them entailment
    differences = [
        results.column("result", share.metric)[n + 3] - results.column("result", share.metric)[n] for n in range(3)
    ]
    assert share.mean == pytest.approx(np.mean(differences))
    low, high = seeds_interval(np.array(differences))
    assert share.interval[1] - share.interval[0] > high - low


def test_one_seed_has_an_interval_over_its_rows(predicted):
    results, settings = predicted.read()
    one = [number for number, run in enumerate(results.runs) if run.axes["seed"] == 1]
    results = replace(results, runs=tuple(results.runs[n] for n in one), values=results.values[one])
    found, _ = compared(results, settings)
    assert (found.num, found.over) == (1, "rows")
    assert found.interval[0] < found.mean < found.interval[1]


def test_rows_that_differ_leave_the_interval_over_seeds(predicted):
    place = predicted.folder / "poe-2" / "version_0"
    write_predictions(place / "predictions.parquet", seed=2, shift=0.8, num=60)
    assert {found.over for found in compared(*predicted.read())} == {"seeds"}


def test_a_run_is_compared_with_its_own_dense_model(study):
    for seed in (1, 2):
        study.add(f"{seed}", numbers(0.9, 0.7) | {"dense/nli/ood/accuracy": 0.6 + seed / 100}, loss="ce", seed=seed)
    study.define(reference={"model": "dense"}, metrics=["nli/ood/accuracy"])
    (found,) = compared(*study.read())
    assert found.mean == pytest.approx(0.085)


def test_a_share_of_the_reference_is_subtracted_over_seeds_and_rows(predicted):
    results, settings = predicted.read()
    whole, part = (compare(results, "seed", settings.metrics[1:], {"loss": "ce"}, {}, share) for share in (1.0, 0.9))
    areas = [results.column("result", "nli/ood/auroc")[number] for number in range(3)]  # ce comes first
    assert part[0].mean - whole[0].mean == pytest.approx(0.1 * np.mean(areas))
    for low, high in zip(whole[0].interval, part[0].interval, strict=True):
        assert 0.05 < high - low < 0.1


def test_only_what_is_meant_is_compared(grid):
    grid.define(metrics=["nli/ood/accuracy"])
    results, settings = grid.read()
    where = {"run": "mask", "sparsity": 0.7, "loss": "poe"}
    (found,) = compare(results, "seed", settings.metrics, {"loss": "ce"}, where)
    assert found.mean == pytest.approx(0.12)
    dense = compare(results, "seed", settings.metrics, {"run": "dense"}, {"run": "mask", "loss": "ce"})
    assert [each.cell.axes["sparsity"] for each in dense] == [0.5, 0.7]
    assert [each.mean for each in dense] == pytest.approx([0.0, -0.02])


def test_methods_are_ranked_within_each_seed(grid):
    grid.define(rank="loss", metrics=["nli/id/accuracy", "nli/ood/accuracy"])
    ranks = rank(*grid.read())
    assert len(ranks) == 6
    for each in ranks:
        assert (each.methods, each.num) == (("ce", "poe"), 3)
        assert each.ranks == ((2, 1) if each.metric == "nli/ood/accuracy" else (1.5, 1.5))


def test_what_has_no_better_end_is_not_ranked(study):
    for loss in ("ce", "poe"):
        study.add(loss, numbers(0.9, 0.6, predicted_share_entailment=0.5, loss=0.3 + (loss == "ce")), loss=loss, seed=1)
    study.define(rank="loss", metrics=["nli/ood/predicted_share_entailment", "nli/ood/loss"])
    (found,) = rank(*study.read())
    assert (found.metric, found.ranks) == ("nli/ood/loss", (2, 1))
