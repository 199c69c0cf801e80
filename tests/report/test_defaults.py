"""A report's settings: defaults, and one clear error for each mistake."""

import json

import pytest
from records import numbers

from lit_prune.errors import UserError
from lit_prune.report.settings import read_settings


def test_everything_has_a_default(grid):
    _, settings = grid.read()
    assert read_settings(grid.folder)[0] == "study"
    assert (settings.over, settings.metrics) == ("seed", ["nli/id/accuracy", "nli/ood/accuracy"])
    assert (settings.reference, settings.rank, settings.figures, settings.printed) == ({}, None, [], [])


def test_a_task_without_accuracy_shows_all_it_has(study):
    study.add("one", {"squad/id/f1": 0.8, "squad/validation/f1": 0.7, "sparsity": 0.5}, seed=1)
    assert study.read()[1].metrics == ["squad/id/f1"]


def test_each_task_has_its_accuracy_or_else_its_selection_metric(study):
    place = study.add("one", numbers(0.9, 0.6) | {"sts/id/pearson": 0.8, "sts/id/spearman": 0.7}, seed=1)
    record = json.loads((place / "run.json").read_text())
    (place / "run.json").write_text(json.dumps(record | {"selection": {"nli": "f1_macro", "sts": "spearman"}}))
    assert study.read()[1].metrics == ["nli/id/accuracy", "nli/ood/accuracy", "sts/id/spearman"]


def test_a_figure_shows_the_metrics_of_the_report_unless_it_names_some(grid):
    figures = [{"name": "a"}, {"name": "b", "metrics": ["nli/id/accuracy"], "lines": "loss"}]
    grid.define("Title", metrics=["nli/ood/accuracy"], figures=figures)
    _, settings = grid.read()
    assert read_settings(grid.folder)[0] == "Title"
    assert [each.metrics for each in settings.figures] == [["nli/ood/accuracy"], ["nli/id/accuracy"]]
    assert [(each.x, each.lines, each.band) for each in settings.figures] == [
        ("sparsity", None, "minmax"),
        ("sparsity", "loss", "minmax"),
    ]


def test_a_figure_shows_the_metrics_that_its_runs_have(study):
    for task in ("nli", "facts"):
        study.add(task, {f"{task}/id/accuracy": 0.8, "sparsity": 0.5}, dataset=task, seed=1)
    study.add("later", None, status="planned", dataset="later", seed=1)
    metrics = ["nli/id/accuracy", "facts/id/accuracy"]
    figures = [{"name": name, "where": {"dataset": name}} for name in ("nli", "facts", "later")]
    study.define(metrics=metrics, figures=figures)
    _, settings = study.read()
    assert [each.metrics for each in settings.figures] == [metrics[:1], metrics[1:], metrics]


MIXTURE = {"name": "m", "metrics": ["nli/id/accuracy", "nli/ood/accuracy"]}
MATCHED = {"name": "fair", "id": "nli/id/accuracy", "ood": ["nli/ood/accuracy"]}
CLAIM = {"says": "poe wins", "source": "a paper", "metric": "nli/id/accuracy"}
CLAIM |= {"where": {"loss": "poe"}, "reference": {"loss": "ce"}}
PRINTED = {"loss": "poe", "metric": "nli/id/accuracy", "value": 0.8, "source": "a paper"}


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (
            {"overr": "seed"},
            "unknown setting 'overr' of .*report: choose from over, metrics, reference, rank, stability, gather, tun",
        ),
        (
            {"figures": [{"name": "a", "line": "loss"}]},
            "'line' of .*: choose from name, x, lines, metrics, where",
        ),
        ({"figures": ["a"]}, "a figure of the report must be a mapping, got 'a'"),
        ({"figures": [{"x": "sparsity"}]}, "required: name"),
        ({"figures": [{"name": "a", "band": "range"}]}, "band.*minmax.*range"),
        ({"figures": [{"name": "../a"}]}, "a figure's name must be a file name, got '../a'"),
        ({"metrics": "nli/id/accuracy"}, "report.metrics"),
        ({"over": "sed"}, "unknown axis 'sed' of the report: choose from run, loss, sparsity, seed"),
        ({"rank": "method"}, "unknown axis 'method'"),
        ({"figures": [{"name": "a", "x": "depth"}]}, "unknown axis 'depth' of figure a"),
        ({"solved": {"metric": "nli/id/acc", "threshold": 0.9}}, "unknown metric 'nli/id/acc'"),
        ({"metrics": ["nli/id/acc"]}, "unknown metric 'nli/id/acc': choose from nli/id/accuracy, nli/ood/accuracy"),
        ({"reference": {"loss": "kl"}}, "unknown loss kl: choose from ce, poe"),
        ({"reference": {"model": "sparse"}}, "unknown model 'sparse': choose from result"),
        ({"figures": [{"name": "a", "where": {"los": "ce"}}]}, "unknown axis 'los'"),
        (
            {"mixtures": [{"name": "m", "metrics": ["nli/id/accuracy"]}]},
            r"metrics of mixture m must be two or more, got \['nli/id/accuracy'\]",
        ),
        (
            {"mixtures": [{"name": "m", "metrics": ["nli/id/accuracy", "sparsity"]}]},
            "metrics of mixture m must be better when higher, got sparsity",
        ),
        ({"mixtures": [MIXTURE | {"metrics": ["nli/id/accuracy", "qa/id/f1"]}]}, "unknown metric 'qa/id/f1'"),
        ({"mixtures": [MIXTURE | {"where": {"loss": "kl"}}]}, "unknown loss kl"),
        (
            {"mixtures": [MIXTURE | {"over": "seed"}]},
            "unknown setting 'over' of .*: a mixture of the report",
        ),
        ({"mixtures": [MIXTURE | {"name": "a/b"}]}, "a figure's name must be a file name, got 'a/b'"),
        ({"matched": [MATCHED | {"ood": []}]}, "ood of fair must be metrics of a run, got none"),
        ({"matched": [MATCHED | {"id": "sparsity"}]}, "id and ood of fair must be metrics of sets, got sparsity"),
        ({"matched": [MATCHED | {"ood": ["nli/ood/acc"]}]}, "unknown metric 'nli/ood/acc'"),
        ({"matched": [MATCHED | {"where": {"loss": "kl"}}]}, "unknown loss kl"),
        ({"matched": [MATCHED | {"over": "seed"}]}, "unknown setting 'over' of .*: a matched comparison of the report"),
        ({"matched": [MATCHED | {"name": "a/b"}]}, "a figure's name must be a file name, got 'a/b'"),
        ({"pareto": {"sparsity": "high"}}, "report.pareto.*max.*min"),
        ({"pareto": {"speed": "max"}}, "unknown number 'speed': choose from density, seed, sparsity, steps"),
        ({"printed": [PRINTED | {"value": 84.3}]}, "a printed value of nli/id/accuracy must be a number, got 84.3"),
        ({"printed": [PRINTED | {"std": 1.4}]}, "a printed value of nli/id/accuracy must be a number, got 1.4"),
        ({"claims": [CLAIM | {"reference": {}}]}, "reference of the claim 'poe wins' must be set"),
        ({"claims": [CLAIM | {"where": {"loss": ["poe", "kl"]}}]}, "unknown loss kl"),
        ({"claims": [CLAIM | {"metric": "nli/id/acc"}]}, "unknown metric 'nli/id/acc'"),
        (
            {"claims": [CLAIM | {"by": 1}]},
            "'by' of .*: a claim of the report: choose from says, source, metric",
        ),
        ({"printed": [PRINTED | {"loss": "kl"}]}, "unknown loss kl"),
        ({"printed": [{"metric": "nli/id/accuracy"}]}, "add value, source"),
    ],
)
def test_a_mistake_is_one_line_that_names_what_there_is(grid, report, message):
    grid.define(**report)
    with pytest.raises(UserError, match=message) as error:
        grid.read()
    assert "\n" not in str(error.value)


def test_what_a_task_will_be_told_by_is_not_known_before_its_first_run(grid):
    grid.add("qa", run="mask", loss="ce", sparsity=0.5, seed=4)
    grid.define(metrics=["nli/ood/accuracy", "qa/id/f1"])
    assert grid.read()[1].metrics == ["nli/ood/accuracy", "qa/id/f1"]
    grid.define(metrics=["nli/ood/acc", "qa/id/f1"])
    with pytest.raises(UserError, match="unknown metric 'nli/ood/acc'"):
        grid.read()


@pytest.mark.parametrize("report", [{}, {"metrics": ["nli/id/accuracy", "sparsity"]}])
def test_a_study_without_a_complete_run_has_nothing_to_report(study, report):
    study.add("one", seed=1)
    study.define(**report)
    with pytest.raises(UserError, match="a report must have a complete run, got none"):
        study.read()
