"""Objects built from what a file contains."""

import sys
from collections.abc import Callable
from typing import Any, Literal

import pytest

from lit_prune.data import Files, GeneratedNli, Windows, public
from lit_prune.data.closed import build, build_class, convert, load_plugins
from lit_prune.data.sources import Frames, Given
from lit_prune.data.sources.given import GivenLayout
from lit_prune.data.sources.known import SOURCES
from lit_prune.data.sources.source import Source
from lit_prune.errors import UserError

OWN = """
from lit_prune.data.sources.source import Source

class Rows(Source):
    def __init__(self, texts: list[str], other: Source | None = None) -> None:
        self.texts, self.other = texts, other
    def available(self, root): return ["id"]
    def fingerprint(self, split, root): return {}
    def rows(self, split, root): return iter(())
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of a user's own module."""
    (tmp_path / "own_rows.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_rows"
    sys.modules.pop("own_rows", None)


def made(class_path, /, **init_args):
    return build({"class_path": class_path, "init_args": init_args}, Source, SOURCES, "source")


@pytest.mark.parametrize("path", ["lit_prune.data", "lit_prune.data.sources", "lit_prune.data.sources.generated"])
def test_a_class_of_the_package_is_built_by_each_of_its_paths(path):
    source = made(f"{path}.GeneratedNli", bias_rate=1, num_train=10)
    assert type(source) is GeneratedNli
    assert (source.bias_rate, source.num_train) == (1, 10)


def test_all_sources_of_the_package_but_those_of_given_files_and_tables_are_in_the_table():
    known = {each for each in vars(public).values() if isinstance(each, type) and issubclass(each, Source)}
    assert known == set(SOURCES.values())
    assert not {Frames, Given, GivenLayout} & set(SOURCES.values())


def test_dataclasses_in_arguments_are_built():
    split = {"paths": ["a.csv"], "columns": {"text_a": ["a", "b"], "label": "l"}, "labels": {0: "no"}, "header": None}
    files = made("lit_prune.data.Files", splits={"train": split, "id": split})
    assert type(files) is Files
    assert files.splits["id"].labels == {"0": "no"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_path": "os.system"}, "unknown source os.system"),
        ({"class_path": "lit_prune.data.sources.given.GivenLayout"}, "unknown source lit_prune.data"),
        ({"class_path": "lit_prune.data.Task"}, "unknown source lit_prune.data"),
        ("os.system", "unknown source os.system"),
        (None, "unknown source None"),
        ({"class_path": ["a"]}, "unknown source "),
        ({"class_path": "lit_prune.data.GeneratedNli", "init_args": [1]}, "source must be settings of GeneratedNli"),
        ({"class_path": "lit_prune.data.GeneratedNli", "init_args": {"read": "os.system"}}, "source must be settings"),
        (
            {"class_path": "lit_prune.data.GeneratedNli", "init_args": {"bias_rate": "x"}},
            "source.bias_rate must be float, got 'x'",
        ),
        (
            {"class_path": "lit_prune.data.GeneratedNli", "init_args": {"num_train": True}},
            "source.num_train must be int, got True",
        ),
        (
            {"class_path": "lit_prune.data.Hub", "init_args": {"splits": {"id": {"class_path": "os.system"}}}},
            "source.splits.id must be settings of HubSplit",
        ),
    ],
)
def test_everything_else_is_an_error_and_nothing_is_imported(settings, message, monkeypatch):
    monkeypatch.setattr("lit_prune.data.closed.import_module", None)
    with pytest.raises(UserError, match=message):
        build(settings, Source, SOURCES, "source")


def test_a_function_cannot_be_named():
    class Own(GivenLayout):
        pass

    with pytest.raises(UserError, match=r"own.read must be left out, got 'os.system': a file cannot name a function"):
        build_class(Own, {"files": {}, "read": "os.system"}, {}, "own")
    for hint in (Callable, Callable[[int], int], type):
        with pytest.raises(UserError):
            convert("os.system", hint, SOURCES, "own")


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, float, 1),
        (None, int | None, None),
        (["a"], tuple[str, ...], ("a",)),
        ([1, 2], list[int], [1, 2]),
        ({"a": [1]}, dict[str, list[int]], {"a": [1]}),
        ("a", Literal["a", "b"], "a"),
        ({"x": 1}, Any, {"x": 1}),
        ({"stride": 2}, Windows | None, Windows(stride=2)),
    ],
)
def test_values_are_converted_by_type_hints(value, hint, expected):
    assert convert(value, hint, {}, "x") == expected


def test_classes_of_a_plugin_are_built_and_may_hold_others(own):
    classes = SOURCES | load_plugins([own])
    inner = {"class_path": "lit_prune.data.GeneratedNli", "init_args": {"bias_rate": 0.5}}
    rows = build({"class_path": "own_rows.Rows", "init_args": {"texts": ["a"], "other": inner}}, Source, classes, "s")
    assert type(rows).__module__ == own
    assert rows.texts == ["a"]
    assert type(rows.other) is GeneratedNli
    with pytest.raises(UserError, match=r"unknown source os\.system"):
        build(
            {"class_path": "own_rows.Rows", "init_args": {"texts": [], "other": {"class_path": "os.system"}}},
            Source,
            classes,
            "s",
        )


def test_only_what_a_plugin_defines_is_admitted(own):
    assert load_plugins([own]).keys() == {"own_rows.Rows"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_there_at_all", "--plugins must name modules that can be imported, got not_there_at_all"),
        ("../own", "must be names of modules"),
    ],
)
def test_a_plugin_that_is_not_there_is_an_error(name, message):
    with pytest.raises(UserError, match=message):
        load_plugins([name])
