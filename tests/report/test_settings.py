"""A report's settings as study.yaml has them."""

import pytest
import yaml

from lit_prune.errors import UserError
from lit_prune.report.settings import read_settings


def test_a_study_that_is_no_yaml_or_no_mapping_is_named(grid):
    for content, message in {
        "a: [": "study.yaml must be valid yaml",
        "- a": "study.yaml must contain a yaml mapping",
    }.items():
        (grid.folder / "study.yaml").write_text(content)
        with pytest.raises(UserError, match=message):
            read_settings(grid.folder)


def test_what_the_study_says_of_its_runs_is_not_the_reports_business(grid):
    (grid.folder / "study.yaml").write_text(yaml.safe_dump({"base": "nowhere.yaml", "axes": {"loss": {"any": 1}}}))
    assert grid.read()[1].over == "seed"


def test_null_stands_for_the_default_and_no_list_is_an_error(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("title: a\nreport: {reference: null, figures: [{name: b, x: seed, metrics: [c], where: null}]}\n")
    _, settings = read_settings(tmp_path)
    assert (settings.reference, settings.figures[0].where) == ({}, {})
    path.write_text("title: a\nreport: {figures: 3}\n")
    with pytest.raises(UserError, match=r"study\.yaml: .*figures"):
        read_settings(tmp_path)


def test_more_than_three_primary_claims_are_an_error(tmp_path):
    claim = {"says": "a", "source": "b", "metric": "c", "where": {}, "reference": {"d": 1}}
    for num in (3, 4):
        claims = [claim | {"primary": True}] * num + [claim] * 5
        (tmp_path / "study.yaml").write_text(yaml.safe_dump({"report": {"claims": claims}}))
        if num == 3:
            assert sum(each.primary for each in read_settings(tmp_path)[1].claims) == 3
    with pytest.raises(UserError, match=r"primary claims of .*study\.yaml must be at most 3, got 4: leave the others"):
        read_settings(tmp_path)


def test_a_criterion_of_solved_needs_its_threshold(tmp_path):
    (tmp_path / "study.yaml").write_text("report: {solved: {metric: nli/ood/auroc}}\n")
    with pytest.raises(UserError, match="threshold"):
        read_settings(tmp_path)
