"""Claims judged by a study whose truth is known."""

import pytest
from records import numbers

from lit_prune.errors import UserError
from lit_prune.report.claims import FAILS, HOLDS, OPEN, claims_table, judge

CLAIM = {"says": "poe is better", "source": "a paper", "metric": "nli/ood/accuracy"}
LOSSES = CLAIM | {"where": {"loss": "poe"}, "reference": {"loss": "ce"}}
POE = CLAIM | {"where": {"run": "mask", "loss": "poe"}, "reference": {"loss": "ce"}}
TEN_UP = (0.1, 0.2) * 5


def add_pairs(study, gains):
    """Runs with a gain in OOD accuracy by seed."""
    for seed, gain in enumerate(gains):
        study.add(f"ce-{seed}", numbers(0.9, 0.6, auroc=0.6), loss="ce", seed=seed)
        study.add(f"poe-{seed}", numbers(0.9, 0.6 + gain, auroc=0.6 + gain), loss="poe", seed=seed)


def test_a_claim_is_judged_at_each_of_its_cells(grid):
    grid.define(claims=[POE])
    results, settings = grid.read()
    found = judge(results, settings)
    assert [each.difference.cell.axes["sparsity"] for each in found] == [0.5, 0.7]
    assert {each.verdict for each in found} == {HOLDS}
    table = claims_table(found, settings)
    told = ["poe is better", "a paper", "nli OOD accuracy", "sparsity 50%"]
    assert table.rows[0] == [*told, "+0.120", "[+0.095, +0.145]", "3", "exploratory (holds)"]
    assert table.notes[0].startswith(
        "Of 2: 0 hold, 0 do not, 0 are open, 2 are exploratory, and 0 cannot be judged. The margin is the metric"
    )
    assert table.notes[1].startswith("Primary claims: 0.")


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [((0.1, 0.2, 0.1, 0.2, 0.1), HOLDS), ((-0.1, -0.2, -0.1, -0.2, -0.1), FAILS), ((0.1, -0.1, 0.1, -0.1, 0.1), OPEN)],
)
@pytest.mark.parametrize("primary", [False, True])
def test_below_ten_pairs_a_claim_is_exploratory(study, gains, verdict, primary):
    add_pairs(study, gains)
    study.define(claims=[LOSSES | {"primary": primary}])
    results, settings = study.read()
    (found,) = judge(results, settings)
    assert (found.verdict, found.p_value) == (verdict, None)
    table = claims_table([found], settings)
    assert "p (Holm)" not in table.header
    assert table.rows[0][-1] == f"exploratory ({verdict})"


@pytest.mark.parametrize(
    ("gains", "verdict", "p_value"),
    [
        (TEN_UP, HOLDS, 2 / 1024),
        ([-gain for gain in TEN_UP], FAILS, 2 / 1024),
        ((0.1, -0.1) * 5, OPEN, 1.0),
        ((0.1,) * 8 + (-0.1,) * 2, OPEN, 2 * (1 + 10 + 45) / 1024),  # as the sign test
        ((0.1,) * 9 + (-0.1,), HOLDS, 2 * (1 + 10) / 1024),
    ],
)
def test_the_permutation_test_decides_a_primary_claim(study, gains, verdict, p_value):
    add_pairs(study, gains)
    study.define(claims=[LOSSES | {"primary": True}, LOSSES])
    results, settings = study.read()
    found = judge(results, settings)
    assert found[0].p_value == pytest.approx(p_value)
    assert (found[0].verdict, found[1].p_value) == (verdict, None)
    table = claims_table(found, settings)
    assert table.header[-2:] == ["p (Holm)", "here"]
    assert table.rows[0][-2:] == [f"{p_value:.3f}", verdict]
    assert table.rows[1][-2] == "-"
    assert table.rows[1][-1].startswith("exploratory (")


def test_primary_claims_are_corrected_for_all_of_them_also_those_without_runs(study):
    add_pairs(study, (0.1,) * 9 + (-0.1,))
    study.add("kl", loss="kl", seed=0)
    primary = LOSSES | {"primary": True}
    study.define(claims=[primary, primary | {"metric": "nli/ood/auroc"}, primary | {"where": {"loss": "kl"}}])
    found = judge(*study.read())
    p_value = 2 * (1 + 10) / 1024
    assert [each.p_value for each in found] == [pytest.approx(3 * p_value), pytest.approx(3 * p_value), None]
    assert [each.verdict for each in found] == [OPEN, OPEN, None]  # one alone would hold


def test_a_primary_claim_about_several_cells_is_an_error(grid):
    grid.define(claims=[POE | {"primary": True}])
    with pytest.raises(UserError, match="a primary claim must be about one cell, got sparsity 50%; sparsity 70%"):
        judge(*grid.read())


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
