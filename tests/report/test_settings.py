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
