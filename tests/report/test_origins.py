"""What a reader must know beside the figures."""

from records import numbers

from lit_prune.report.origins import (
    costs_table,
    missing_table,
    origins_table,
    planned_table,
    status_line,
    version_warnings,
)


def test_runs_that_are_not_complete_are_listed_with_their_reason(study):
    study.add("a", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("b", status="failed", error="the loss is nan\nat step 3", loss="ce", seed=2)
    study.add("c", status="blocked", error="waits for b", loss="poe", seed=2)
    for seed in (3, 4):
        study.add(f"d-{seed}", loss="poe", seed=seed)
    results, settings = study.read()
    assert status_line(results) == "1 of 5 runs are complete; 1 blocked; 1 failed; 2 planned."
    assert planned_table(results, settings).rows == [["poe", "2"]]
    assert missing_table(results).rows == [
        ["b", "ce", "2", "failed", "the loss is nan at step 3"],
        ["c", "poe", "2", "blocked", "waits for b"],
    ]


def test_rounds_of_a_run_count_once(study):
    rounds = {f"round_1/{name}": 0.3 for name in ("sparsity", "step", "nli/id/accuracy")}
    study.add("a", numbers(0.9, 0.6) | rounds, seed=1)
    results, _ = study.read()
    assert len(results.runs) == 2
    assert status_line(results) == "1 of 1 run is complete."


def test_several_commits_and_versions_are_not_hidden(study):
    for seed, commit, version in [(1, "a" * 40, "0.1.0"), (2, "b" * 40 + "+", "0.1.0"), (3, "b" * 40 + "+", "0.2.0")]:
        study.add(f"{seed}", numbers(0.9, 0.6), commit=commit, version=version, seed=seed)
    study.add("4", status="failed", commit="d" * 40, seed=4)
    results, _ = study.read()
    commits, versions = version_warnings(results)
    assert "More than one commit" in commits
    assert "aaaaaaaaaa (1 runs), bbbbbbbbbb+ (2 runs)" in commits
    assert "0.1.0 (2 runs), 0.2.0 (1 runs)" in versions
    hardware = "1 x cpu, 1 threads, 32-true"
    assert origins_table(results).rows == [
        ["-", "aaaaaaaaaa", "0.1.0", hardware, "1", "0.00"],
        ["-", "bbbbbbbbbb+", "0.1.0", hardware, "1", "0.00"],
        ["-", "bbbbbbbbbb+", "0.2.0", hardware, "1", "0.00"],
    ]


def test_one_commit_needs_no_warning(grid):
    assert version_warnings(grid.read()[0]) == []


def test_costs_are_of_complete_runs(study):
    study.add("a", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("b", status="failed", loss="poe", seed=1)
    table = costs_table(*study.read())
    assert table.header == ["loss", "sparsity reached", "optimizer steps", "seconds", "peak memory (GB)"]
    assert table.rows == [["ce", "50.00%", "140", "10", "-"], ["poe", "-", "-", "-", "-"]]
