"""A report's settings: defaults, and one clear error for each mistake."""

import pytest
import yaml
from records import numbers

from lit_prune.errors import UserError
from lit_prune.studies.report.results import read_results
from lit_prune.studies.report.settings import awaited, read_settings, select


def test_everything_has_a_default(grid):
    _, settings = grid.read()
    assert read_settings(grid.folder)[0] == "study"
    assert (settings.over, settings.metrics) == ("seed", ["nli/id/accuracy", "nli/ood/accuracy"])
    assert (settings.reference, settings.rank, settings.figures, settings.printed) == ({}, None, [], [])


def test_a_task_without_accuracy_shows_all_it_has(study):
    study.add("one", {"squad/id/f1": 0.8, "squad/validation/f1": 0.7, "sparsity": 0.5}, seed=1)
    assert study.read()[1].metrics == ["squad/id/f1"]


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


MIXTURE = {"name": "m", "metrics": ["nli/id/accuracy", "nli/ood/accuracy"]}
PRINTED = {"loss": "poe", "metric": "nli/id/accuracy", "value": 0.8, "source": "a paper"}


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (
            {"overr": "seed"},
            "report has no setting 'overr': use over, metrics, reference, rank, stability, gather, tun",
        ),
        ({"figures": [{"name": "a", "line": "loss"}]}, "no setting 'line': use name, x, lines, metrics, where"),
        ({"figures": ["a"]}, "a figure of the report is 'a', needed is a mapping"),
        ({"figures": [{"x": "sparsity"}]}, "required: name"),
        ({"figures": [{"name": "a", "band": "range"}]}, "band.*minmax.*range"),
        ({"figures": [{"name": "../a"}]}, "a figure is called '../a': use a plain name"),
        ({"metrics": "nli/id/accuracy"}, "report.metrics"),
        ({"over": "sed"}, "the report names the axis 'sed', which no run has: use run, loss, sparsity, seed"),
        ({"rank": "method"}, "the axis 'method', which no run has"),
        ({"figures": [{"name": "a", "x": "depth"}]}, "figure a names the axis 'depth'"),
        ({"metrics": ["nli/id/acc"]}, "no run has the metric 'nli/id/acc': use nli/id/accuracy, nli/ood/accuracy"),
        ({"reference": {"loss": "kl"}}, "no run has loss kl: its values are ce, poe"),
        ({"reference": {"model": "sparse"}}, "no run has the model 'sparse': use result"),
        ({"figures": [{"name": "a", "where": {"los": "ce"}}]}, "the axis 'los', which no run has"),
        (
            {"mixtures": [{"name": "m", "metrics": ["nli/id/accuracy"]}]},
            r"mixture m has the metrics \['nli/id/accuracy'\]: name one for each of several tasks",
        ),
        (
            {"mixtures": [{"name": "m", "metrics": ["nli/id/accuracy", "sparsity"]}]},
            "mixture m: more of sparsity is not better",
        ),
        ({"mixtures": [MIXTURE | {"metrics": ["nli/id/accuracy", "qa/id/f1"]}]}, "no run has the metric 'qa/id/f1'"),
        ({"mixtures": [MIXTURE | {"where": {"loss": "kl"}}]}, "no run has loss kl"),
        (
            {"mixtures": [MIXTURE | {"over": "seed"}]},
            "a mixture of the report has no setting 'over'",
        ),
        ({"mixtures": [MIXTURE | {"name": "a/b"}]}, "a figure is called 'a/b': use a plain name"),
        ({"pareto": {"sparsity": "high"}}, "report.pareto.*max.*min"),
        ({"pareto": {"speed": "max"}}, "no run has the number 'speed': use density, seed, sparsity, steps"),
        ({"printed": [PRINTED | {"value": 84.3}]}, "printed value 84.3 of nli/id/accuracy is not in its unit"),
        ({"printed": [PRINTED | {"loss": "kl"}]}, "no run has loss kl"),
        ({"printed": [{"metric": "nli/id/accuracy"}]}, "lacks value, source"),
    ],
)
def test_a_mistake_is_one_line_that_names_what_there_is(grid, report, message):
    grid.define(**report)
    with pytest.raises(UserError, match=message) as error:
        grid.read()
    assert "\n" not in str(error.value)


def test_a_study_that_is_no_yaml_or_no_mapping_is_named(grid):
    for content, message in {"a: [": "study.yaml cannot be read", "- a": "study.yaml is not a mapping"}.items():
        (grid.folder / "study.yaml").write_text(content)
        with pytest.raises(UserError, match=message):
            read_settings(grid.folder)


def test_what_the_study_says_of_its_runs_is_not_the_reports_business(grid):
    (grid.folder / "study.yaml").write_text(yaml.safe_dump({"base": "nowhere.yaml", "axes": {"loss": {"any": 1}}}))
    assert grid.read()[1].over == "seed"


def test_what_a_task_will_be_told_by_is_not_known_before_its_first_run(grid):
    grid.add("qa", run="mask", loss="ce", sparsity=0.5, seed=4)
    grid.define(metrics=["nli/ood/accuracy", "qa/id/f1"])
    assert grid.read()[1].metrics == ["nli/ood/accuracy", "qa/id/f1"]
    grid.define(metrics=["nli/ood/acc", "qa/id/f1"])
    with pytest.raises(UserError, match="no run has the metric 'nli/ood/acc'"):
        grid.read()


def test_runs_are_awaited_until_one_of_them_is_complete(study):
    study.add("a", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("b", loss="ce", seed=2)
    study.add("c", loss="poe", seed=1)
    results = read_results(study.folder)
    assert [awaited(results, {"loss": loss}) for loss in ("ce", "poe")] == [False, True]
    assert not awaited(results, {"loss": "poe", "seed": 2})  # there is no such run


def test_of_many_metrics_an_error_names_the_closest(study):
    study.add("one", numbers(0.9, 0.6) | {f"nli/id/accuracy_{number}": 0.5 for number in range(50)}, seed=1)
    study.define(metrics=["nli/ood/acuracy"])
    with pytest.raises(UserError, match=r"use nli/ood/accuracy, .* or another of the 52 in results\.csv"):
        study.read()


@pytest.mark.parametrize("report", [{}, {"metrics": ["nli/id/accuracy", "sparsity"]}])
def test_a_study_without_a_complete_run_has_nothing_to_report(study, report):
    study.add("one", seed=1)
    study.define(**report)
    with pytest.raises(UserError, match="nothing to report yet"):
        study.read()


def test_runs_are_selected_by_values_as_yaml_has_them(study):
    study.add("a", numbers(0.9, 0.6), bias=True, sparsity=0.5, seed=1)
    study.add("b", numbers(0.9, 0.6), bias=False, seed=1)
    results = read_results(study.folder)
    chosen = [({"bias": True}, ["a"]), ({"sparsity": 0.5}, ["a"]), ({}, ["a", "b"]), ({"model": "result"}, ["a", "b"])]
    for wanted, names in chosen:
        found = select(results, wanted)
        assert sorted(run.name for run, there in zip(results.runs, found, strict=True) if there) == names
