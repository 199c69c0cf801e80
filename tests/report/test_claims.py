"""Claims judged by a study whose truth is known."""

import pytest
from records import numbers

from lit_prune.report.claims import FAILS, HOLDS, OPEN, claims_table, judge

CLAIM = {"says": "poe is better", "source": "a paper", "metric": "nli/ood/accuracy"}
POE = CLAIM | {"where": {"run": "mask", "loss": "poe"}, "reference": {"loss": "ce"}}


def test_a_claim_is_judged_at_each_of_its_cells(grid):
    grid.define(claims=[POE])
    results, settings = grid.read()
    found = judge(results, settings)
    assert [each.difference.cell.axes["sparsity"] for each in found] == [0.5, 0.7]
    assert {each.verdict for each in found} == {HOLDS}
    table = claims_table(found, settings)
    told = ["poe is better", "a paper", "nli OOD accuracy", "sparsity 50%"]
    assert table.rows[0] == [*told, "+0.120", "[+0.110, +0.130]", "3", "(holds)"]
    assert table.notes[0].startswith("Of 2: 2 hold, 0 do not, 0 are open, and 0 cannot be judged.")


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [((0.1, 0.2, 0.1, 0.2, 0.1), HOLDS), ((-0.1, -0.2, -0.1, -0.2, -0.1), FAILS), ((0.1, -0.1, 0.1, -0.1, 0.1), OPEN)],
)
def test_the_interval_decides(study, gains, verdict):
    for seed, gain in enumerate(gains):
        study.add(f"ce-{seed}", numbers(0.9, 0.6), loss="ce", seed=seed)
        study.add(f"poe-{seed}", numbers(0.9, 0.6 + gain), loss="poe", seed=seed)
    study.define(claims=[CLAIM | {"where": {"loss": "poe"}, "reference": {"loss": "ce"}}])
    results, settings = study.read()
    (found,) = judge(results, settings)
    assert found.verdict == verdict
    assert claims_table([found], settings).rows[0][-1] == verdict  # five pairs need no brackets


def test_several_values_of_an_axis_are_cells_of_a_claim(grid):
    grid.define(claims=[POE | {"where": POE["where"] | {"sparsity": [0.7]}}])
    results, settings = grid.read()
    (row,) = claims_table(judge(results, settings), settings).rows
    assert row[3] == "sparsity 70%"


def test_a_share_of_the_reference_can_be_claimed(study):
    for seed in range(5):
        study.add(f"dense-{seed}", numbers(0.8, 0.6), run="dense", seed=seed)
        study.add(f"mask-{seed}", numbers(0.77 + seed / 1000, 0.6), run="mask", seed=seed)
    kept = CLAIM | {"metric": "nli/id/accuracy", "where": {"run": "mask"}, "reference": {"run": "dense"}}
    study.define(claims=[kept | {"share": 0.95}, kept])
    almost, all_of_it = judge(*study.read())
    assert almost.difference.mean == pytest.approx(0.012)
    assert (almost.verdict, all_of_it.verdict) == (HOLDS, FAILS)


def test_what_has_not_been_run_cannot_be_judged(study):
    study.add("ce", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("poe", loss="poe", seed=1)
    study.add("kl", numbers(0.9, 0.7), loss="kl", seed=1)
    claim = CLAIM | {"reference": {"loss": "ce"}}
    study.define(claims=[claim | {"where": {"loss": loss}} for loss in ("poe", "kl")])
    results, settings = study.read()
    found = judge(results, settings)
    assert [each.verdict for each in found] == [None, None]  # of one pair there is no interval
    rows = claims_table(found, settings).rows
    assert [row[-4:] for row in rows] == [["-", "-", "-", "-"], ["+0.100", "-", "1", "-"]]
