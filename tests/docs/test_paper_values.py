"""Values on the pages of the papers equal the settings that comments in their rows name.

A comment `<!-- [CONFIG+CONFIG: ]KEY KEY -->` in the first cell of a row gives the keys of the numbers that the value
begins with. Without configurations, those of the value's column hold. Keys of a study are read from its yaml; a list or
the names of an axis are several numbers.
"""

import re
from functools import cache

import pytest
import yaml
from pages import REPOSITORY

from lit_prune.shipped import find_config

COLUMNS = {
    ("liu2022", "MNLI"): "srnet_poe_mnli",
    ("liu2022", "QQP"): "srnet_poe_mnli+srnet_poe_qqp",
    ("liu2022", "FEVER"): "srnet_poe_mnli+srnet_poe_fever",
    ("liu2022", "In the configurations"): "srnet_poe_mnli",
    ("fu2023", "In the configurations"): "sam+data/fu2023_files+paper/fu2023",
    ("xia2021", "In the configurations"): "movement+data/glue_hub+movement_mnli",
}
COMMENT = re.compile(r"<!-- (?:([\w/+]+): )?([^:]+?) -->")
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d*\.?\d+)(e-?\d+)?")


def annotated():
    """Page, title of the row, configurations, keys and cell of every value with a comment."""
    for page in sorted((REPOSITORY / "docs/papers").glob("*.md")):
        header = []
        for line in page.read_text().splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
            if not cells or not header:
                header = cells
            for configs, keys in COMMENT.findall(cells[0]) if cells else ():
                columns = [1] if configs else [n for n, name in enumerate(header) if (page.stem, name) in COLUMNS]
                for column in columns:
                    title = f"{page.stem}: {cells[0].partition(' <!--')[0]}, {header[column]}, {keys}"
                    chosen = configs or COLUMNS[page.stem, header[column]]
                    yield pytest.param(chosen, keys.split(), cells[column], id=title)


def numbers(text):
    """The numbers of a text, as floats."""
    return [float(digits.replace(",", "") + exponent) for digits, exponent in NUMBER.findall(str(text))]


def lookup(content, key):
    """The value of a dotted key, of which a part with dots may be one key, as the settings of a study are."""
    if isinstance(content, list):
        content = dict(enumerate(content))
    content = {str(name): value for name, value in content.items()}
    if key in content:
        return content[key]
    name = max((name for name in content if key.startswith(f"{name}.")), key=len)
    return lookup(content[name], key.removeprefix(f"{name}."))


@pytest.fixture(scope="module")
def read(resolve):
    """A function: configurations, joined by + -> their settings, or the content of a study; reads each once."""

    @cache
    def content(configs):
        paths = [find_config(name) for name in configs.split("+")]
        study = yaml.safe_load(paths[0].read_text())
        return study if "runs" in study else resolve([f"--config={path}" for path in paths])

    return content


@pytest.mark.parametrize(("configs", "keys", "cell"), list(annotated()))
def test_a_value_is_that_of_its_setting(configs, keys, cell, read):
    content = read(configs)
    is_study = "runs" in content
    expected = []
    for key in keys:
        value = lookup(content, key)
        several = (list(value) if is_study else list(value.values())) if isinstance(value, dict) else value
        for each in several if isinstance(several, list) else [several]:
            expected += numbers(each)
    assert expected
    assert numbers(cell)[: len(expected)] == expected


def test_every_page_has_checked_values():
    pages = [param.id.partition(":")[0] for param in annotated()]
    assert all(pages.count(page) > 10 for page in ("fu2023", "liu2022", "xia2021"))
