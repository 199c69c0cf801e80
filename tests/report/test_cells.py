"""Cells, and which run another is compared with."""

from records import numbers

from lit_prune.report.cells import begun_cells, completion_text, find_references, split_cells
from lit_prune.report.results import read_results


def names(results, found):
    return {results.runs[ours].name: results.runs[theirs].name for ours, theirs in found.items()}


def test_a_cell_holds_the_runs_that_differ_in_the_seed_alone(grid):
    results, _ = grid.read()
    cells = split_cells(results, "seed")
    assert [len(cell.runs) for cell in cells] == [3] * 6
    assert {"run": "mask", "loss": "poe", "sparsity": 0.7} in [dict(cell.axes) for cell in cells]
    assert {"run": "dense", "loss": "ce"} in [dict(cell.axes) for cell in cells]
    assert [len(cell.runs) for cell in split_cells(results, "loss")] == [2] * 9


def test_it_is_told_what_became_of_each_seed(study):
    study.add("a", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("b", status="failed", loss="ce", seed=2)
    study.add("c", loss="ce", seed=3)
    study.add("d", numbers(0.9, 0.6), loss="poe", seed=1)
    results, _ = study.read()
    assert [completion_text(results, cell) for cell in split_cells(results, "seed")] == [
        "1 of 3 (1 failed, 1 planned)",
        "1",
    ]


def test_a_cell_has_begun_when_one_of_its_runs_has(study):
    for name, status in {"ce": "failed", "poe": "planned", "kl": "blocked"}.items():
        study.add(f"{name}-1", status=status, loss=name, seed=1)
        study.add(f"{name}-2", loss=name, seed=2)
    results = read_results(study.folder)
    assert [cell.axes["loss"] for cell in begun_cells(results, "seed")] == ["ce", "kl"]


def test_a_partner_shares_all_other_axes(grid):
    results, _ = grid.read()
    found = names(results, find_references(results, {"loss": "ce"}))
    assert found == {name: name.replace("poe", "ce") for name in found}
    assert len(found) == 9


def test_a_reference_without_an_axis_serves_all_along_it(grid):
    results, _ = grid.read()
    found = names(results, find_references(results, {"run": "dense"}))
    assert len(found) == 12
    assert found["mask-poe-0.7-2"] == "dense-poe-2"


def test_of_several_partners_the_closest_is_taken(study):
    study.add("dense", numbers(0.9, 0.6), run="dense", seed=1)
    study.add("dense-poe", numbers(0.9, 0.6), run="dense", loss="poe", seed=1)
    study.add("mask-poe", numbers(0.9, 0.6), run="mask", loss="poe", seed=1)
    study.add("mask-ce", numbers(0.9, 0.6), run="mask", loss="ce", seed=1)
    results, _ = study.read()
    found = names(results, find_references(results, {"run": "dense"}))
    assert found["mask-poe"] == "dense-poe"
    assert found["mask-ce"] == "dense"


def test_another_model_of_the_same_run_is_a_reference(study):
    for seed in (1, 2):
        study.add(f"{seed}", numbers(0.9, 0.7) | {"dense/nli/ood/accuracy": 0.6}, seed=seed)
    results, _ = study.read()
    assert find_references(results, {"model": "result"}) == {}
    assert find_references(results, {"model": "dense"}) == {0: 0, 1: 1}
