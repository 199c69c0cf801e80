"""A report's settings as study.yaml has them."""

import pytest
import yaml

from lit_prune.errors import UserError
from lit_prune.studies.report.settings import read_settings


def test_a_study_that_is_no_yaml_or_no_mapping_is_named(grid):
    for content, message in {"a: [": "study.yaml cannot be read", "- a": "study.yaml must hold a yaml mapping"}.items():
        (grid.folder / "study.yaml").write_text(content)
        with pytest.raises(UserError, match=message):
            read_settings(grid.folder)


def test_what_the_study_says_of_its_runs_is_not_the_reports_business(grid):
    (grid.folder / "study.yaml").write_text(yaml.safe_dump({"base": "nowhere.yaml", "axes": {"loss": {"any": 1}}}))
    assert grid.read()[1].over == "seed"
