"""Steps, seconds and memory until a metric is reached."""

import math

import pytest

from lit_prune.errors import UserError
from lit_prune.report.reached import first_reached, reached_table, read_arms
from lit_prune.report.settings import ReachedSettings
from lit_prune.runs.evaluations import Evaluation, add_evaluation

METRIC = "t/id/accuracy"
REACHED = {"name": "until", "metric": METRIC, "threshold": 0.7}


def evaluation(step, value, phase="prune", sparsity=0.9, seconds=1.0, name=METRIC):
    costs = (None, None) if seconds is None else (seconds * step, int(1e9) + step * 10**7)
    return Evaluation(phase, step, True, sparsity, {name: value}, *costs)


@pytest.fixture
def timed(study):
    """Two methods of two seeds: a dense phase reaches the value, then they are pruned."""
    for method, seconds in (("slow", 2.0), ("quick", 1.0)):
        for seed in (1, 2):
            values = [0.6, 0.7, 0.8] if (method, seed) != ("quick", 2) else [0.5, 0.6, 0.65]
            place = study.add(f"{method}-{seed}", {METRIC: values[-1]}, method=method, seed=seed)
            add_evaluation(place, evaluation(10, 0.9, "dense", 0.0, seconds))
            add_evaluation(place, evaluation(20, 0.9, sparsity=0.4, seconds=seconds))
            for step, value in zip((30, 40, 50), values, strict=True):
                add_evaluation(place, evaluation(step, value, seconds=seconds))
    study.define(metrics=[METRIC], reached=[REACHED])
    return study


def test_costs_are_means_over_the_seeds_that_reach_it_at_the_final_sparsity(timed):
    results, settings = timed.read()
    (reached,) = settings.reached
    table = reached_table(read_arms(results, reached, "seed"), reached, ["method"], "seed")
    assert table.title == "Cost to reach t accuracy, in distribution of 0.7: until"
    assert table.rows == [["quick", "1 of 2", "40", "40", "1.40"], ["slow", "2 of 2", "40", "80", "1.40"]]


def test_some_runs_are_chosen(timed):
    results, _ = timed.read()
    (arm,) = read_arms(results, ReachedSettings(**REACHED, where={"method": "slow"}), "seed")
    assert arm.cell.axes == {"method": "slow"}
    assert [[each.step for each in run] for run in arm.runs] == [[10, 20, 30, 40, 50]] * 2


def test_runs_that_did_not_record_their_costs_have_their_steps(study):
    place = study.add("old", {METRIC: 0.8}, method="old", seed=1)
    add_evaluation(place, evaluation(30, 0.8, seconds=None))
    study.define(metrics=[METRIC], reached=[REACHED])
    results, settings = study.read()
    (reached,) = settings.reached
    rows = reached_table(read_arms(results, reached, "seed"), reached, ["method"], "seed").rows
    assert rows == [["old", "1 of 1", "30", "-", "-"]]


def test_a_loss_is_reached_from_above():
    loss = ReachedSettings("until", "t/id/loss", 0.5)
    made = [evaluation(step, value, name="t/id/loss") for step, value in ((1, 0.9), (2, 0.5), (3, 0.2))]
    assert first_reached(made, loss).step == 2
    assert first_reached(made, ReachedSettings("until", "t/id/loss", 0.1)) is None


def test_wrong_settings_are_errors(timed):
    for wrong, message in [
        ({"metric": "sparsity"}, "metric of until must be a metric of a set, got sparsity"),
        ({"metric": "t/id/f1"}, "unknown metric 't/id/f1'"),
        ({"where": {"method": "other"}}, "unknown method other"),
        ({"threshold": math.inf, "at": 1}, "unknown setting 'at' of .*: a value to reach of the report"),
    ]:
        timed.define(metrics=[METRIC], reached=[REACHED | wrong])
        with pytest.raises(UserError, match=message):
            timed.read()


def test_the_report_has_the_table_and_the_figure(timed):
    text = timed.report()
    assert "| slow | 2 of 2 | 40 | 80 | 1.40 |" in text
    assert (timed.folder / "figures" / "until.png").is_file()
    assert not (timed.folder / "figures" / "overview.png").exists()
